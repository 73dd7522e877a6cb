//! Blacklist requests and their steps beside erased records. A request is of one customer as long as it can be read: whoever names
//! it after its customer was erased begins a new round.

use rusqlite::params;
use rusqlite::types::Value;

use super::cases::number;
use super::differ::{Both, Differing, table};
use super::person::Erased;

impl Both<'_> {
    pub(super) fn is_request_excused(
        &self,
        row: &Differing<'_>,
        given: Option<&Differing<'_>>,
        erased: Option<&Erased>,
    ) -> rusqlite::Result<bool> {
        let is = |column: &str, word: &str| *row.cell(column) == Value::Text(word.to_owned());
        if let Some(erased) = erased {
            let follows = match given {
                None => true,
                Some(given) => number(row.seq()) > number(given.seq()) && self.departed(given.cell("customer"))?.is_some(),
            };
            return Ok(follows && erased.decides("blacklist") && self.names_departed_only(row.cell("customer"))?);
        }
        let Some(given) = given else { return Ok(false) };
        let departed = self.departed_since(given.cell("customer"), row.seq())?;
        let is_taken_out = departed.is_some_and(|departed| is("customer", &departed.mark));
        let is_earlier = row.cell("opened_at_ms") != given.cell("opened_at_ms");
        let came_back = self.departed(given.cell("customer"))?.is_some();
        for column in row.differs_from(given) {
            let excused = match column {
                "customer" => is_taken_out,
                "state" => is_taken_out && is("state", "closed"),
                "stage" => is_taken_out && is("stage", "archived"),
                // Whoever was not erased comes after every round that was.
                "round" => {
                    let shift = number(row.cell("round")).saturating_sub(number(given.cell("round")));
                    shift > 0
                        && self.has_erased_request_before(row.seq())?
                        && (came_back || (is_earlier && self.are_steps_later(row, shift)?))
                }
                "opened_at_ms" => {
                    let sql = "SELECT 1 FROM again.erased e JOIN main.entries n ON n.merchant_no = ?1 AND n.seq = e.seq
                        WHERE e.merchant_no = ?2 AND e.wrote = 'blacklist' AND e.seq < ?3 AND n.received_at_ms = ?4";
                    self.any(sql, params![self.own, self.again, row.seq(), row.cell("opened_at_ms")])?
                }
                _ => false,
            };
            if !excused {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A step is numbered by those before it: where erased records made rounds, those of others come after.
    pub(super) fn is_step_excused(&self, row: &Differing<'_>, erased: Option<&Erased>) -> rusqlite::Result<bool> {
        let request = self.request("again", self.again, row)?;
        let Some(request) = request else { return Ok(erased.is_some_and(|erased| erased.decides("blacklist"))) };
        let departed = self.departed(request.cell("customer"))?.is_some();
        let shift = self.shift(row, &request)?;
        match erased {
            Some(erased) => Ok(erased.decides("blacklist") && (departed || number(row.cell("round")) <= shift)),
            None if departed => self.has_erased_request_before(row.seq()),
            None => self.is_shifted(row, ("again", self.again), -shift),
        }
    }

    /// Whether a step that is given, and under whose key nothing is there, stands some rounds later, or is of somebody who was erased and
    /// came back.
    pub(super) fn may_step_be_gone(&self, given: &Differing<'_>) -> rusqlite::Result<bool> {
        let Some(request) = self.request("again", self.again, given)? else { return Ok(false) };
        if self.departed(request.cell("customer"))?.is_some() {
            return self.has_erased_request_before(given.seq());
        }
        self.is_shifted(given, ("main", self.own), self.shift(given, &request)?)
    }

    /// The request of a step.
    fn request(&self, side: &str, merchant: i64, step: &Differing<'_>) -> rusqlite::Result<Option<Differing<'static>>> {
        let Some(requests) = table("blacklist_requests") else { return Ok(None) };
        self.keyed(side, merchant, requests, vec![step.cell("request_id").clone()])
    }

    /// How many rounds of a step's request erased records made, before those that are given.
    fn shift(&self, step: &Differing<'_>, given: &Differing<'_>) -> rusqlite::Result<i64> {
        let there = self.request("main", self.own, step)?;
        Ok(there.map_or(0, |there| number(there.cell("round")).saturating_sub(number(given.cell("round")))))
    }

    /// Whether a step stands on the other side so many rounds later.
    fn is_shifted(&self, row: &Differing<'_>, (side, merchant): (&str, i64), rounds: i64) -> rusqlite::Result<bool> {
        let round = Value::Integer(number(row.cell("round")).saturating_add(rounds));
        let keys = vec![row.cell("request_id").clone(), round, row.cell("step").clone()];
        let other = self.keyed(side, merchant, row.table, keys)?;
        Ok(rounds != 0 && other.is_some_and(|other| row.differs_from(&other).is_empty()))
    }

    /// Whether every step of a request that is given stands so many rounds later.
    fn are_steps_later(&self, request: &Differing<'_>, rounds: i64) -> rusqlite::Result<bool> {
        let sql = "SELECT 1 FROM again.blacklist_steps g WHERE g.merchant_no = ?2 AND g.request_id = ?3 AND NOT EXISTS
            (SELECT 1 FROM main.blacklist_steps t WHERE t.merchant_no = ?1 AND t.request_id = g.request_id AND t.round = g.round + ?4
             AND t.step = g.step AND t.seq = g.seq)";
        Ok(!self.any(sql, params![self.own, self.again, request.cell("request_id"), rounds])?)
    }

    /// Whether an erased record before this one decided on a request; on which one stands in its body alone.
    fn has_erased_request_before(&self, seq: &Value) -> rusqlite::Result<bool> {
        let sql = "SELECT 1 FROM again.erased WHERE merchant_no = ?1 AND wrote = 'blacklist' AND seq < ?2";
        self.any(sql, params![self.again, seq])
    }
}
