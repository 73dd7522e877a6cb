//! Recorded acts on decisions, whose meaning is written down once more, in their order.

use std::collections::HashMap;

use ombud_core::ids::{DecisionId, MerchantId};
use ombud_core::kind::Kind;
use ombud_core::money;
use ombud_ledger::{BodyKind, Digest};
use ombud_store::{Group, Reads};

use super::settle::paid_by;
use super::target::Target;
use super::{Act, ActBody, Change, What, delay_at};
use crate::replay::Record;
use crate::service::decide::damaged;
use crate::service::error::ServiceError;
use crate::service::read;
use crate::service::vault::Vault;
use crate::service::wire::OverrideAction;

/// The acts so far, by decision.
#[derive(Default)]
pub(in crate::service) struct ActsAgain(HashMap<String, Vec<Act>>);

impl ActsAgain {
    /// Writes what a recorded act means; nothing where it is no act on a decision. `reads` has the records, and the zone is the
    /// merchant's of now.
    pub(in crate::service) fn again(
        &mut self,
        group: &mut dyn Group,
        reads: &dyn Reads,
        vault: &Vault,
        merchant: &MerchantId,
        tz_offset_min: i32,
        record: &Record,
    ) -> Result<(), ServiceError> {
        let Some(text) = record.body(BodyKind::Act) else { return Ok(()) };
        let body: ActBody = serde_json::from_str(text).map_err(|error| ServiceError::Internal(error.into()))?;
        let What::Override { decision, action, outcome, amounts } = body.what else { return Ok(()) };
        let id = DecisionId::new(&decision).map_err(|_| ServiceError::NotFound("decision"))?;
        let stored = reads.decision(merchant, &id)?.ok_or(ServiceError::NotFound("decision"))?;
        let listed = reads.listed(merchant, stored.seq)?.ok_or(ServiceError::NotFound("decision"))?;
        let subjects = read::subjects_of(reads, merchant, stored.seq)?;
        let opened = read::open(reads, vault, merchant, &stored, &subjects)?;
        let target = Target::read(&opened)?;
        let earlier = self.0.entry(decision).or_default();
        let standing = target.standing(earlier);
        let own: Vec<u64> = std::iter::once(stored.seq).chain(earlier.iter().map(|act| act.seq)).collect();
        let change = Change {
            target: &target,
            standing: &standing,
            customer: listed.customer.as_deref(),
            outcome: &outcome,
            amounts: &amounts,
            due: due(target.ruling.kind(), action, &outcome),
            cancelled: paid_by(group, merchant, &own, &target)?,
        };
        // What was refunded before is in the rows that are written again; of which lines it was, in the records.
        let paid = change.paid(group, merchant, |seq| delay_at(reads, vault, merchant, seq).map_err(damaged))?;
        let (seq, at_ms) = (record.header.seq, record.header.received_at_ms);
        change.settle(group, merchant, tz_offset_min, at_ms, seq, &paid)?;
        earlier.push(Act { seq, leaf: Digest([0; 32]), at_ms, action, outcome, amounts, json: String::new() });
        Ok(())
    }
}

/// As [`super::standing::After`] has it: what is taken back pays nothing.
fn due(kind: Kind, action: OverrideAction, outcome: &str) -> money::Due {
    if action == OverrideAction::Cancel { money::Due::Proposal } else { money::due_of(kind, outcome) }
}
