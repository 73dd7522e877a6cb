//! Rows that are there and rows that the records give.

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter};

use super::Rebuilt;
use crate::check::{FINDINGS_MAX, Finding, Place};
use crate::privacy::MARK;

/// One table beside the records.
pub(super) struct Table {
    pub(super) name: &'static str,
    keys: &'static [&'static str],
    others: &'static [&'static str],
    /// The column with the record that wrote the row last.
    seq: &'static str,
    /// Acts of persons write it; else it is what a case or a customer came to.
    of_acts: bool,
}

pub(super) const TABLES: [Table; 8] = [
    Table { name: "intents", keys: &["key", "payment", "seq"], others: &["amount", "cancelled"], seq: "seq", of_acts: true },
    Table {
        name: "counted",
        keys: &["order_id", "seq", "at_ms"],
        others: &["customer", "day", "refund", "goodwill"],
        seq: "seq",
        of_acts: true,
    },
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
        of_acts: false,
    },
    Table {
        name: "delay_grants",
        keys: &["order_id", "seq", "episode_id", "form"],
        others: &["value", "at_ms"],
        seq: "seq",
        of_acts: true,
    },
    Table {
        name: "incidents",
        keys: &["customer", "criterion", "incident_id"],
        others: &["confirmed", "ticket", "at_ms", "seq"],
        seq: "seq",
        of_acts: false,
    },
    Table {
        name: "measures",
        keys: &["customer"],
        others: &["measure", "review_by_ms", "request_id", "since_ms", "seq"],
        seq: "seq",
        of_acts: false,
    },
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
        of_acts: false,
    },
    Table {
        name: "blacklist_steps",
        keys: &["request_id", "round", "step"],
        others: &["stage", "actor_id", "role", "verdict", "at_ms", "seq"],
        seq: "seq",
        of_acts: false,
    },
];

/// The rows of one merchant, as they are (`main`) and as the records give them (`again`).
pub(super) struct Both<'a> {
    pub(super) db: &'a Connection,
    pub(super) merchant: &'a str,
    /// The merchant's number.
    pub(super) own: i64,
    /// The merchant's number among what is computed again.
    pub(super) again: i64,
    pub(super) rebuilt: Rebuilt,
}

/// A row that the other side does not have as it is.
struct Differing<'t> {
    table: &'t Table,
    cells: Vec<Value>,
}

impl Differing<'_> {
    fn cell(&self, column: &str) -> &Value {
        let at = self.table.keys.iter().chain(self.table.others).position(|own| *own == column);
        at.and_then(|at| self.cells.get(at)).unwrap_or(&Value::Null)
    }

    fn keys(&self) -> impl Iterator<Item = &Value> {
        self.cells.iter().take(self.table.keys.len())
    }

    fn seq(&self) -> &Value {
        self.cell(self.table.seq)
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
    fn any(&self, sql: &str, parameters: impl rusqlite::Params) -> rusqlite::Result<bool> {
        self.db.prepare_cached(sql)?.exists(parameters)
    }

    /// What is there and not given by the records. What erased records wrote is looked at elsewhere.
    fn there(&self, table: &Table, findings: &mut Vec<Finding>) -> rusqlite::Result<()> {
        let columns = columns(table);
        let (name, seq) = (table.name, table.seq);
        let sql = format!(
            "SELECT {columns} FROM main.{name} t WHERE merchant_no = ?1 AND NOT EXISTS
                (SELECT 1 FROM again.erased e WHERE e.merchant_no = ?2 AND e.seq = t.{seq})
             EXCEPT SELECT {columns} FROM again.{name} WHERE merchant_no = ?2"
        );
        self.each(table, &sql, findings, |row| {
            let given = self.same_key("again", self.again, row)?;
            if self.is_excused(row, given.as_ref())? {
                return Ok(None);
            }
            Ok(Some(match given {
                None => "the records give no such row".to_owned(),
                Some(given) => {
                    let differ = table.others.iter().filter(|column| row.cell(column) != given.cell(column));
                    let differ: Vec<String> = differ.map(|column| format!("`{column}`")).collect();
                    format!("{} is another than the records give", differ.join(", "))
                }
            }))
        })
    }

    /// What the records give and is not there at all.
    fn given(&self, table: &Table, findings: &mut Vec<Finding>) -> rusqlite::Result<()> {
        let (columns, name) = (columns(table), table.name);
        let sql = format!(
            "SELECT {columns} FROM again.{name} WHERE merchant_no = ?2 EXCEPT SELECT {columns} FROM main.{name} WHERE merchant_no = ?1"
        );
        self.each(table, &sql, findings, |row| {
            let there = self.same_key("main", self.own, row)?.is_some();
            // Then it was compared already, or an erased record wrote it last.
            let excused = there || self.is_of_act_beside_erased(row)? || (is_of_customer(table) && self.is_before_erasure(row.seq())?);
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

    /// The row with the same key on another side.
    fn same_key<'t>(&self, side: &str, merchant: i64, row: &Differing<'t>) -> rusqlite::Result<Option<Differing<'t>>> {
        let table = row.table;
        let keys: Vec<String> = table.keys.iter().enumerate().map(|(at, key)| format!("{key} = ?{}", at + 2)).collect();
        let sql = format!("SELECT {} FROM {side}.{} WHERE merchant_no = ?1 AND {}", columns(table), table.name, keys.join(" AND "));
        let parameters = std::iter::once(Value::Integer(merchant)).chain(row.keys().cloned());
        let mut query = self.db.prepare_cached(&sql)?;
        let found = query.query_row(params_from_iter(parameters), |row| cells(row, table.keys.len() + table.others.len()));
        Ok(found.optional()?.map(|cells| Differing { table, cells }))
    }

    /// Whether a row that is there may differ from what is given, because records that bear on it were erased.
    fn is_excused(&self, row: &Differing<'_>, given: Option<&Differing<'_>>) -> rusqlite::Result<bool> {
        let only = |columns: &[&str]| {
            given.is_some_and(|given| {
                row.table.others.iter().all(|column| columns.contains(column) || row.cell(column) == given.cell(column))
            })
        };
        Ok(match row.table.name {
            // The zone of a person's act is the merchant's of then, which nobody wrote down.
            "counted" if self.rebuilt.zone_changed && only(&["day"]) => self.is_next_day(row, given),
            "counted" if only(&["customer"]) => self.names_nobody(row, given)?,
            "after_sale_cases" => {
                // Of whoever was erased while a hold kept the ticket's key, the records can be read still.
                if only(&["customer"]) && self.names_nobody(row, given)? {
                    return Ok(true);
                }
                let of_order = "SELECT 1 FROM again.erased WHERE merchant_no = ?1 AND order_id = ?2";
                // An event that closes a case names it in its body alone.
                let closing = "SELECT 1 FROM again.erased e JOIN main.entries n ON n.merchant_no = ?1 AND n.seq = e.seq
                    WHERE e.merchant_no = ?2 AND e.closes AND n.received_at_ms BETWEEN ?3 AND ?4";
                let closed = [self.own.into(), self.again.into(), row.cell("opened_at_ms").clone(), row.cell("updated_at_ms").clone()];
                self.any(of_order, params![self.again, row.cell("order_id")])?
                    || (only(&["state", "lines", "approved", "updated_at_ms", "last_seq"]) && self.any(closing, closed)?)
            }
            "blacklist_requests" | "blacklist_steps" => {
                // A step of another round is numbered by those before it.
                let sql = "SELECT 1 FROM main.blacklist_steps s JOIN again.erased e ON e.merchant_no = ?2 AND e.seq = s.seq
                    WHERE s.merchant_no = ?1 AND s.request_id = ?3";
                let ended = only(&["customer", "state", "stage"]) && self.names_nobody(row, given)? && *row.cell("state") == text("closed");
                ended || self.any(sql, params![self.own, self.again, row.cell("request_id")])?
            }
            _ => self.is_of_act_beside_erased(row)?,
        })
    }

    /// Whether a row is of a person's act on an order of which a record was erased: what the act paid may hang on it.
    fn is_of_act_beside_erased(&self, row: &Differing<'_>) -> rusqlite::Result<bool> {
        let sql = "SELECT 1 FROM main.entries n JOIN again.erased e ON e.merchant_no = ?2 AND e.order_id = n.order_id
            WHERE n.merchant_no = ?1 AND n.seq = ?3 AND n.entry = 'act'";
        Ok(row.table.of_acts && self.any(sql, params![self.own, self.again, row.seq()])?)
    }

    /// Whether somebody was erased after a record, and with them what it left of them.
    fn is_before_erasure(&self, seq: &Value) -> rusqlite::Result<bool> {
        let sql = "SELECT 1 FROM main.entries n JOIN main.subject_keys k USING (merchant_no)
            WHERE n.merchant_no = ?1 AND n.seq = ?2 AND k.subject >= ?3 AND k.subject < 'erased;' AND k.erased_at_ms >= n.received_at_ms";
        self.any(sql, params![self.own, seq, MARK])
    }

    /// Whether the customer of a row was taken out of it, by an erasure after its record.
    fn names_nobody(&self, row: &Differing<'_>, given: Option<&Differing<'_>>) -> rusqlite::Result<bool> {
        let named = match row.cell("customer") {
            Value::Null => false,
            Value::Text(customer) => !customer.starts_with(MARK),
            _ => true,
        };
        Ok(!named && given.is_some() && self.is_before_erasure(row.seq())?)
    }

    fn is_next_day(&self, row: &Differing<'_>, given: Option<&Differing<'_>>) -> bool {
        match (row.cell("day"), given.map(|given| given.cell("day"))) {
            (Value::Integer(is), Some(Value::Integer(given))) => is.abs_diff(*given) <= 1,
            _ => false,
        }
    }
}

/// Whether rows of the table go with the customer.
fn is_of_customer(table: &Table) -> bool {
    matches!(table.name, "incidents" | "measures")
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

fn text(word: &str) -> Value {
    Value::Text(word.to_owned())
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
