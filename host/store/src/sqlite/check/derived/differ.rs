//! Rows that are there and rows that the records give.

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter};

use super::Rebuilt;
use crate::check::{FINDINGS_MAX, Finding, Place};

/// One table beside the records.
pub(super) struct Table {
    pub(super) name: &'static str,
    keys: &'static [&'static str],
    others: &'static [&'static str],
    /// The column with the record that wrote the row last.
    seq: &'static str,
}

pub(super) static TABLES: [Table; 8] = [
    Table { name: "intents", keys: &["key", "payment", "seq"], others: &["amount", "cancelled"], seq: "seq" },
    Table { name: "counted", keys: &["order_id", "seq", "at_ms"], others: &["customer", "day", "refund", "goodwill"], seq: "seq" },
    Table {
        name: "after_sale_cases",
        keys: &["order_id", "after_sale_id"],
        others: &[
            "customer",
            "state",
            "outcome",
            "resolution",
            "attempts",
            "lines",
            "freight_refunded",
            "approved",
            "compensation",
            "reason",
            "policy",
            "version",
            "opened_at_ms",
            "updated_at_ms",
            "last_seq",
        ],
        seq: "last_seq",
    },
    Table { name: "delay_grants", keys: &["order_id", "seq", "episode_id", "form"], others: &["value", "at_ms"], seq: "seq" },
    Table {
        name: "incidents",
        keys: &["customer", "criterion", "incident_id"],
        others: &["confirmed", "ticket", "at_ms", "seq"],
        seq: "seq",
    },
    Table { name: "measures", keys: &["customer"], others: &["measure", "review_by_ms", "request_id", "since_ms", "seq"], seq: "seq" },
    Table {
        name: "blacklist_requests",
        keys: &["request_id"],
        others: &[
            "customer",
            "state",
            "stage",
            "criterion",
            "submitter_id",
            "submitter_role",
            "round",
            "detail",
            "opened_at_ms",
            "updated_at_ms",
            "last_seq",
        ],
        seq: "last_seq",
    },
    Table {
        name: "blacklist_steps",
        keys: &["request_id", "round", "step"],
        others: &["stage", "actor_id", "role", "verdict", "at_ms", "seq"],
        seq: "seq",
    },
];

/// The table of a name.
pub(super) fn table(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name)
}

/// The rows of one merchant, as they are (`main`) and as the records give them (`again`).
pub(super) struct Both<'a> {
    pub(super) db: &'a Connection,
    pub(super) merchant: &'a str,
    /// The merchant's number.
    pub(super) own: i64,
    /// The merchant's number among what is computed again.
    pub(super) again: i64,
    pub(super) rebuilt: Rebuilt,
    /// What stands for a customer once erased.
    pub(super) mark: &'a dyn Fn(&str) -> Option<String>,
}

/// A row that the other side does not have as it is.
pub(super) struct Differing<'t> {
    pub(super) table: &'t Table,
    cells: Vec<Value>,
}

impl Differing<'_> {
    pub(super) fn cell(&self, column: &str) -> &Value {
        let at = self.table.keys.iter().chain(self.table.others).position(|own| *own == column);
        at.and_then(|at| self.cells.get(at)).unwrap_or(&Value::Null)
    }

    fn keys(&self) -> impl Iterator<Item = &Value> {
        self.cells.iter().take(self.table.keys.len())
    }

    /// The record that wrote it last.
    pub(super) fn seq(&self) -> &Value {
        self.cell(self.table.seq)
    }

    /// The columns in which it is another than a row with the same key.
    pub(super) fn differs_from(&self, other: &Differing<'_>) -> Vec<&'static str> {
        self.table.others.iter().copied().filter(|column| self.cell(column) != other.cell(column)).collect()
    }
}

impl Both<'_> {
    /// Every table, row by row.
    pub(super) fn rows(&self) -> rusqlite::Result<Vec<Finding>> {
        let mut findings = Vec::new();
        for table in &TABLES {
            self.there(table, &mut findings)?;
            self.given(table, &mut findings)?;
        }
        Ok(findings)
    }

    pub(super) fn found(&self, table: &'static str, key: String, problem: impl Into<String>) -> Finding {
        Finding { merchant: Some(self.merchant.to_owned()), place: Place::Row { table, key }, problem: problem.into() }
    }

    /// Whether a query has a row.
    pub(super) fn any(&self, sql: &str, parameters: impl rusqlite::Params) -> rusqlite::Result<bool> {
        self.db.prepare_cached(sql)?.exists(parameters)
    }

    /// What is there and is not as the records give it.
    fn there(&self, table: &Table, findings: &mut Vec<Finding>) -> rusqlite::Result<()> {
        let (columns, name) = (columns(table), table.name);
        let sql = format!(
            "SELECT {columns} FROM main.{name} WHERE merchant_no = ?1 EXCEPT SELECT {columns} FROM again.{name} WHERE merchant_no = ?2"
        );
        self.each(table, &sql, findings, |row| {
            let given = self.given_like(row)?;
            if self.is_excused(row, given.as_ref())? {
                return Ok(None);
            }
            Ok(Some(match given {
                None if self.erased(row.seq())?.is_some() => {
                    "no record gives it, and the erased one that it names does not either".to_owned()
                }
                None => "the records give no such row".to_owned(),
                Some(given) => {
                    let differ: Vec<String> = row.differs_from(&given).iter().map(|column| format!("`{column}`")).collect();
                    format!("{} is another than the records give", differ.join(", "))
                }
            }))
        })
    }

    /// What the records give and is not there at all. What is there under the same key was compared already.
    fn given(&self, table: &Table, findings: &mut Vec<Finding>) -> rusqlite::Result<()> {
        let (columns, name) = (columns(table), table.name);
        let sql = format!(
            "SELECT {columns} FROM again.{name} WHERE merchant_no = ?2 EXCEPT SELECT {columns} FROM main.{name} WHERE merchant_no = ?1"
        );
        self.each(table, &sql, findings, |row| {
            let excused = self.same_key("main", self.own, row)?.is_some() || self.may_be_gone(row)?;
            Ok((!excused).then(|| "it is missing: the records give it".to_owned()))
        })
    }

    fn each(
        &self,
        table: &Table,
        sql: &str,
        findings: &mut Vec<Finding>,
        judge: impl Fn(&Differing<'_>) -> rusqlite::Result<Option<String>>,
    ) -> rusqlite::Result<()> {
        let mut query = self.db.prepare(sql)?;
        let mut rows = query.query([self.own, self.again])?;
        while let Some(row) = rows.next()? {
            let row = Differing { table, cells: cells(row, table.keys.len() + table.others.len())? };
            if let Some(problem) = judge(&row)? {
                findings.push(self.found(table.name, key(row.keys()), problem));
                // The report keeps no more.
                if findings.len() > FINDINGS_MAX {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The row with the same key that the records give.
    pub(super) fn given_like<'t>(&self, row: &Differing<'t>) -> rusqlite::Result<Option<Differing<'t>>> {
        self.same_key("again", self.again, row)
    }

    /// The row with the same key on another side.
    fn same_key<'t>(&self, side: &str, merchant: i64, row: &Differing<'t>) -> rusqlite::Result<Option<Differing<'t>>> {
        self.keyed(side, merchant, row.table, row.keys().cloned().collect())
    }

    /// The row of a side with these keys.
    pub(super) fn keyed<'t>(
        &self,
        side: &str,
        merchant: i64,
        table: &'t Table,
        keys: Vec<Value>,
    ) -> rusqlite::Result<Option<Differing<'t>>> {
        let wheres: Vec<String> = table.keys.iter().enumerate().map(|(at, key)| format!("{key} = ?{}", at + 2)).collect();
        let sql = format!("SELECT {} FROM {side}.{} WHERE merchant_no = ?1 AND {}", columns(table), table.name, wheres.join(" AND "));
        let mut query = self.db.prepare_cached(&sql)?;
        let parameters = params_from_iter(std::iter::once(Value::Integer(merchant)).chain(keys));
        let found = query.query_row(parameters, |row| cells(row, table.keys.len() + table.others.len()));
        Ok(found.optional()?.map(|cells| Differing { table, cells }))
    }
}

fn columns(table: &Table) -> String {
    table.keys.iter().chain(table.others).copied().collect::<Vec<_>>().join(", ")
}

fn cells(row: &Row<'_>, count: usize) -> rusqlite::Result<Vec<Value>> {
    (0..count).map(|at| row.get_ref(at).map(owned)).collect()
}

/// A cell as it is, bytes that are no text included.
fn owned(cell: ValueRef<'_>) -> Value {
    match cell {
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Blob(bytes.to_vec()),
        },
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Null => Value::Null,
    }
}

fn key<'v>(cells: impl Iterator<Item = &'v Value>) -> String {
    let shown = cells.map(|cell| match cell {
        Value::Text(text) => text.clone(),
        Value::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Null => String::new(),
    });
    shown.collect::<Vec<_>>().join(" ")
}
