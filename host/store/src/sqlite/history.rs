//! After-sale cases, grants, blacklist requests, measures and incidents.

use ombud_core::ids::MerchantId;
use rusqlite::{Row, params};

use super::connection::{Database, SqliteWriter};
use super::known::KeyOf;
use super::ledger::{signed, unknown, unsigned};
use crate::StoreError;
use crate::history::{
    AfterSaleRow, CaseState, DueMeasure, GrantRow, IncidentRow, MeasureRow, ReadHistory, RequestRow, StepRow, WriteHistory,
};

/// The after-sale cases of a merchant (`?1`) with one more condition.
macro_rules! after_sale_cases {
    () => {
        "SELECT order_id, after_sale_id, customer, state, outcome, resolution, attempts, lines, freight_refunded, policy, version,
        opened_at_ms, updated_at_ms, last_seq, approved, compensation, reason FROM after_sale_cases WHERE merchant_no = ?1 AND "
    };
}

impl<T: Database> ReadHistory for T {
    fn after_sale_cases(&self, merchant: &MerchantId, order: &str) -> Result<Vec<AfterSaleRow>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        if !self.may_hold(KeyOf::AfterSales, merchant, &[order]) {
            return Ok(Vec::new());
        }
        let sql = concat!(after_sale_cases!(), "order_id = ?2 ORDER BY after_sale_id");
        self.all("read after-sale cases", sql, params![merchant, order], after_sale)
    }

    fn after_sale_cases_named(&self, merchant: &MerchantId, after_sale_id: &str) -> Result<Vec<AfterSaleRow>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        let sql = concat!(after_sale_cases!(), "after_sale_id = ?2 ORDER BY order_id");
        self.all("look for an after-sale case", sql, params![merchant, after_sale_id], after_sale)
    }

    fn open_after_sales(&self, merchant: &MerchantId, customer: &str) -> Result<u32, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(0) };
        // Asked once for each blacklist request, so it has no index of its own: the customer's orders lead to the cases.
        let sql = "SELECT count(*) FROM
            (SELECT DISTINCT order_id FROM entries INDEXED BY entries_by_customer
                WHERE merchant_no = ?1 AND customer = ?2 AND order_id IS NOT NULL)
            JOIN after_sale_cases USING (order_id) WHERE merchant_no = ?1 AND customer = ?2 AND state = 'open'";
        Ok(self.one("count open after-sale cases", sql, params![merchant, customer], |row| row.get(0))?.unwrap_or(0))
    }

    fn grants(&self, merchant: &MerchantId, order: &str) -> Result<Vec<GrantRow>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        if !self.may_hold(KeyOf::Grants, merchant, &[order]) {
            return Ok(Vec::new());
        }
        let sql = "SELECT order_id, episode_id, form, value, at_ms, seq FROM delay_grants
            WHERE merchant_no = ?1 AND order_id = ?2 ORDER BY seq, episode_id, form";
        self.all("read grants", sql, params![merchant, order], |row| {
            Ok(GrantRow {
                order: row.get(0)?,
                episode_id: row.get(1)?,
                form: row.get(2)?,
                value: row.get(3)?,
                at_ms: row.get(4)?,
                seq: unsigned(row, 5)?,
            })
        })
    }

    fn incidents(&self, merchant: &MerchantId, customer: &str, since_ms: i64) -> Result<Vec<IncidentRow>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        if !self.may_hold(KeyOf::Incidents, merchant, &[customer]) {
            return Ok(Vec::new());
        }
        let sql = "SELECT customer, criterion, incident_id, confirmed, ticket, at_ms, seq FROM incidents
            WHERE merchant_no = ?1 AND customer = ?2 AND at_ms >= ?3 ORDER BY at_ms, incident_id";
        self.all("read incidents", sql, params![merchant, customer, since_ms], |row| {
            Ok(IncidentRow {
                customer: row.get(0)?,
                criterion: row.get(1)?,
                incident_id: row.get(2)?,
                confirmed: row.get(3)?,
                ticket: row.get(4)?,
                at_ms: row.get(5)?,
                seq: unsigned(row, 6)?,
            })
        })
    }

    fn measure(&self, merchant: &MerchantId, customer: &str) -> Result<Option<MeasureRow>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(None) };
        if !self.may_hold(KeyOf::Measure, merchant, &[customer]) {
            return Ok(None);
        }
        let sql =
            "SELECT customer, measure, review_by_ms, request_id, since_ms, seq FROM measures WHERE merchant_no = ?1 AND customer = ?2";
        self.one("read a measure", sql, params![merchant, customer], measure)
    }

    fn measures(&self, merchant: &MerchantId, after: &str, rows_max: u32) -> Result<Vec<MeasureRow>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        let sql = "SELECT customer, measure, review_by_ms, request_id, since_ms, seq FROM measures
            WHERE merchant_no = ?1 AND customer > ?2 ORDER BY customer LIMIT ?3";
        self.all("list measures", sql, params![merchant, after, rows_max], measure)
    }

    fn measures_due(&self, until_ms: i64, after: Option<&DueMeasure>, rows_max: u32) -> Result<Vec<DueMeasure>, StoreError> {
        let (review_by_ms, number, customer) = match after {
            Some((merchant, row)) => (row.review_by_ms, self.merchant_no(merchant)?, row.customer.as_str()),
            None => (Some(i64::MIN), None, ""),
        };
        // By the columns of the index `measures_due` and the key behind them.
        let sql = "SELECT customer, measure, review_by_ms, request_id, since_ms, seq, id FROM measures JOIN merchants USING (merchant_no)
            WHERE review_by_ms <= ?1 AND (review_by_ms, merchant_no, customer) > (?2, ?3, ?4)
            ORDER BY review_by_ms, merchant_no, customer LIMIT ?5";
        self.all("read measures due", sql, params![until_ms, review_by_ms, number.unwrap_or(i64::MIN), customer, rows_max], |row| {
            let id: String = row.get(6)?;
            Ok((MerchantId::new(id.as_str()).map_err(|_| unknown(6, &id))?, measure(row)?))
        })
    }

    fn blacklist_request(&self, merchant: &MerchantId, request: &str) -> Result<Option<(RequestRow, Vec<StepRow>)>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(None) };
        if !self.may_hold(KeyOf::Request, merchant, &[request]) {
            return Ok(None);
        }
        let sql = "SELECT request_id, customer, state, stage, criterion, submitter_id, submitter_role, round, detail, opened_at_ms,
            updated_at_ms, last_seq FROM blacklist_requests WHERE merchant_no = ?1 AND request_id = ?2";
        let Some(row) = self.one("read a blacklist request", sql, params![merchant, request], request_row)? else { return Ok(None) };
        let sql = "SELECT request_id, round, step, stage, actor_id, role, verdict, at_ms, seq FROM blacklist_steps
            WHERE merchant_no = ?1 AND request_id = ?2 AND round = ?3 ORDER BY step";
        let steps = self.all("read blacklist steps", sql, params![merchant, request, row.round], step)?;
        Ok(Some((row, steps)))
    }

    fn blacklist_acts(&self, merchant: &MerchantId, request: &str, rows_max: u32) -> Result<Vec<u64>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        let sql = "SELECT seq FROM blacklist_steps WHERE merchant_no = ?1 AND request_id = ?2 ORDER BY round DESC, step DESC LIMIT ?3";
        self.all("read the records of blacklist steps", sql, params![merchant, request, rows_max], |row| unsigned(row, 0))
    }

    fn blacklist_requests(
        &self,
        merchant: &MerchantId,
        state: CaseState,
        after: &str,
        rows_max: u32,
    ) -> Result<Vec<RequestRow>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        let sql = "SELECT request_id, customer, state, stage, criterion, submitter_id, submitter_role, round, detail, opened_at_ms,
            updated_at_ms, last_seq FROM blacklist_requests WHERE merchant_no = ?1 AND state = ?2 AND request_id > ?3
            ORDER BY request_id LIMIT ?4";
        self.all("list blacklist requests", sql, params![merchant, state.as_str(), after, rows_max], request_row)
    }
}

impl WriteHistory for SqliteWriter {
    fn put_after_sale_case(&mut self, merchant: &MerchantId, row: &AfterSaleRow) -> Result<(), StoreError> {
        let merchant = self.known_merchant(merchant)?;
        self.now_known(KeyOf::AfterSales, merchant, &[&row.order]);
        let lines = serde_json::to_string(&row.lines).map_err(|error| StoreError::backend("write lines as JSON", error))?;
        let sql = "INSERT INTO after_sale_cases (merchant_no, order_id, after_sale_id, customer, state, outcome, resolution, attempts, lines,
            freight_refunded, policy, version, opened_at_ms, updated_at_ms, last_seq, approved, compensation, reason)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18) ON CONFLICT DO UPDATE SET customer = excluded.customer,
            state = excluded.state, outcome = excluded.outcome, resolution = excluded.resolution, attempts = excluded.attempts,
            lines = excluded.lines, freight_refunded = excluded.freight_refunded, policy = excluded.policy, version = excluded.version,
            opened_at_ms = excluded.opened_at_ms, updated_at_ms = excluded.updated_at_ms, last_seq = excluded.last_seq,
            approved = excluded.approved, compensation = excluded.compensation, reason = excluded.reason";
        let parameters = params![
            merchant,
            row.order,
            row.after_sale_id,
            row.customer,
            row.state.as_str(),
            row.outcome,
            row.resolution,
            row.attempts,
            lines,
            row.freight_refunded,
            row.policy,
            row.version,
            row.opened_at_ms,
            row.updated_at_ms,
            signed(row.last_seq),
            row.approved,
            row.compensation,
            row.reason,
        ];
        self.run("keep an after-sale case", sql, parameters).map(|_| ())
    }

    fn insert_grant(&mut self, merchant: &MerchantId, row: &GrantRow) -> Result<(), StoreError> {
        let merchant = self.known_merchant(merchant)?;
        self.now_known(KeyOf::Grants, merchant, &[&row.order]);
        let sql =
            "INSERT INTO delay_grants (merchant_no, order_id, seq, episode_id, form, value, at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            ON CONFLICT DO UPDATE SET value = value + excluded.value";
        self.run("keep a grant", sql, params![merchant, row.order, signed(row.seq), row.episode_id, row.form, row.value, row.at_ms])
            .map(|_| ())
    }

    fn put_incident(&mut self, merchant: &MerchantId, row: &IncidentRow) -> Result<(), StoreError> {
        let merchant = self.known_merchant(merchant)?;
        self.now_known(KeyOf::Incidents, merchant, &[&row.customer]);
        let sql = "INSERT INTO incidents (merchant_no, customer, criterion, incident_id, confirmed, ticket, at_ms, seq)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE SET confirmed = excluded.confirmed, ticket = excluded.ticket,
            at_ms = max(at_ms, excluded.at_ms), seq = excluded.seq WHERE NOT confirmed";
        let parameters =
            params![merchant, row.customer, row.criterion, row.incident_id, row.confirmed, row.ticket, row.at_ms, signed(row.seq)];
        self.run("keep an incident", sql, parameters).map(|_| ())
    }

    fn drop_incidents(&mut self, merchant: &MerchantId, customer: &str, criterion: &str) -> Result<usize, StoreError> {
        let merchant = self.known_merchant(merchant)?;
        let sql = "DELETE FROM incidents WHERE merchant_no = ?1 AND customer = ?2 AND criterion = ?3 AND NOT confirmed";
        self.run("take incidents back", sql, params![merchant, customer, criterion])
    }

    fn put_measure(&mut self, merchant: &MerchantId, row: &MeasureRow) -> Result<(), StoreError> {
        let merchant = self.known_merchant(merchant)?;
        self.now_known(KeyOf::Measure, merchant, &[&row.customer]);
        let sql = "INSERT OR REPLACE INTO measures (merchant_no, customer, measure, review_by_ms, request_id, since_ms, seq)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let parameters = params![merchant, row.customer, row.measure, row.review_by_ms, row.request_id, row.since_ms, signed(row.seq)];
        self.run("keep a measure", sql, parameters).map(|_| ())
    }

    fn lift_measure(&mut self, merchant: &MerchantId, customer: &str) -> Result<bool, StoreError> {
        let merchant = self.known_merchant(merchant)?;
        Ok(self.run("lift a measure", "DELETE FROM measures WHERE merchant_no = ?1 AND customer = ?2", params![merchant, customer])? > 0)
    }

    fn put_blacklist_request(&mut self, merchant: &MerchantId, row: &RequestRow) -> Result<(), StoreError> {
        let merchant = self.known_merchant(merchant)?;
        self.now_known(KeyOf::Request, merchant, &[&row.request_id]);
        let sql = "INSERT OR REPLACE INTO blacklist_requests (merchant_no, request_id, customer, state, stage, criterion, submitter_id,
            submitter_role, round, detail, opened_at_ms, updated_at_ms, last_seq)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
        let parameters = params![
            merchant,
            row.request_id,
            row.customer,
            row.state.as_str(),
            row.stage,
            row.criterion,
            row.submitter_id,
            row.submitter_role,
            row.round,
            row.detail,
            row.opened_at_ms,
            row.updated_at_ms,
            signed(row.last_seq),
        ];
        self.run("keep a blacklist request", sql, parameters).map(|_| ())
    }

    fn insert_blacklist_step(&mut self, merchant: &MerchantId, row: &StepRow) -> Result<(), StoreError> {
        let merchant = self.known_merchant(merchant)?;
        let sql = "INSERT INTO blacklist_steps (merchant_no, request_id, round, step, stage, actor_id, role, verdict, at_ms, seq)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING";
        let parameters = params![
            merchant,
            row.request_id,
            row.round,
            row.step,
            row.stage,
            row.actor_id,
            row.role,
            row.verdict,
            row.at_ms,
            signed(row.seq)
        ];
        self.insert("the step", sql, parameters)
    }
}

fn after_sale(row: &Row<'_>) -> rusqlite::Result<AfterSaleRow> {
    let lines: String = row.get(7)?;
    Ok(AfterSaleRow {
        order: row.get(0)?,
        after_sale_id: row.get(1)?,
        customer: row.get(2)?,
        state: state(row, 3)?,
        outcome: row.get(4)?,
        resolution: row.get(5)?,
        attempts: row.get(6)?,
        lines: serde_json::from_str(&lines).map_err(|_| unknown(7, &lines))?,
        freight_refunded: row.get(8)?,
        policy: row.get(9)?,
        version: row.get(10)?,
        opened_at_ms: row.get(11)?,
        updated_at_ms: row.get(12)?,
        last_seq: unsigned(row, 13)?,
        approved: row.get(14)?,
        compensation: row.get(15)?,
        reason: row.get(16)?,
    })
}

fn measure(row: &Row<'_>) -> rusqlite::Result<MeasureRow> {
    Ok(MeasureRow {
        customer: row.get(0)?,
        measure: row.get(1)?,
        review_by_ms: row.get(2)?,
        request_id: row.get(3)?,
        since_ms: row.get(4)?,
        seq: unsigned(row, 5)?,
    })
}

fn request_row(row: &Row<'_>) -> rusqlite::Result<RequestRow> {
    Ok(RequestRow {
        request_id: row.get(0)?,
        customer: row.get(1)?,
        state: state(row, 2)?,
        stage: row.get(3)?,
        criterion: row.get(4)?,
        submitter_id: row.get(5)?,
        submitter_role: row.get(6)?,
        round: row.get(7)?,
        detail: row.get(8)?,
        opened_at_ms: row.get(9)?,
        updated_at_ms: row.get(10)?,
        last_seq: unsigned(row, 11)?,
    })
}

fn step(row: &Row<'_>) -> rusqlite::Result<StepRow> {
    Ok(StepRow {
        request_id: row.get(0)?,
        round: row.get(1)?,
        step: row.get(2)?,
        stage: row.get(3)?,
        actor_id: row.get(4)?,
        role: row.get(5)?,
        verdict: row.get(6)?,
        at_ms: row.get(7)?,
        seq: unsigned(row, 8)?,
    })
}

fn state(row: &Row<'_>, column: usize) -> rusqlite::Result<CaseState> {
    let text: String = row.get(column)?;
    [CaseState::Open, CaseState::Closed].into_iter().find(|state| state.as_str() == text).ok_or_else(|| unknown(column, &text))
}
