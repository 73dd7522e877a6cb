//! Auditors' looks are acts too. So that reading does not flood the log, one record stands for every look of one auditor at one
//! kind of thing within one hour (UTC); it is durable before the first of them is answered.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ombud_core::ids::{ActorId, MerchantId};
use ombud_rules::civil::HOUR_MS;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NewAct, What};
use crate::clock::now_ms;
use crate::service::actor::{Principal, Right, Role};
use crate::service::error::ServiceError;
use crate::service::listing::rfc3339;
use crate::service::snapshot::Tenant;
use crate::service::{Service, locks};

/// Looks remembered before those of earlier hours are forgotten.
const REMEMBERED_MAX: usize = 10_000;

/// At what an auditor looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Look {
    /// The list of decisions.
    Decisions,
    /// A decision with its event and facts.
    Decision,
    /// A replay.
    Replay,
    /// Why a decision is what it is.
    Explanation,
    /// Backtests and their reports.
    Backtests,
    /// Blacklist requests and measures.
    Blacklist,
    /// The list of acts.
    Acts,
    /// The legal holds in force.
    Holds,
    /// The merchant's configuration, policies, versions, rollouts and signing keys.
    Configuration,
    /// Checkpoints and tiles.
    Ledger,
    /// A receipt.
    Receipt,
}

type Key = (MerchantId, ActorId, Look);

/// The looks that are on record, each with its hour. Forgotten with the process: then one more record is made.
#[derive(Default)]
pub(in crate::service) struct Looks(Mutex<HashMap<Key, i64>>);

impl Looks {
    fn is_on_record(&self, key: &Key, hour: i64) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key) == Some(&hour)
    }

    fn remember(&self, key: Key, hour: i64) {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if looks.len() >= REMEMBERED_MAX {
            looks.retain(|_, own| *own == hour);
        }
        looks.insert(key, hour);
    }
}

impl Service {
    /// Records that an auditor looks at how a merchant is set up: configuration, policies, versions, rollouts, signing keys.
    pub async fn looked_at_configuration(&self, who: &Principal, merchant: &str) -> Result<(), ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Read, "see policies")?;
        self.looked(who, &tenant, Look::Configuration).await
    }

    /// Records that an auditor looks; other roles read in the course of their work.
    pub(in crate::service) async fn looked(&self, who: &Principal, tenant: &Tenant, look: Look) -> Result<(), ServiceError> {
        if who.role != Role::Auditor {
            return Ok(());
        }
        let merchant = &tenant.config.id;
        let key = (merchant.clone(), who.actor.clone(), look);
        let hour = now_ms().div_euclid(HOUR_MS);
        if self.looks.is_on_record(&key, hour) {
            return Ok(());
        }
        // Looks at the same moment wait for the one that is recorded.
        let _held = self.locks.hold(vec![locks::key(&[merchant.as_str(), "look", who.actor.as_str()])]).await;
        if self.looks.is_on_record(&key, hour) {
            return Ok(());
        }
        let what = What::Viewed { look, hour: rfc3339(hour.saturating_mul(HOUR_MS)) };
        self.record(merchant, vec![NewAct::new(who, what)]).await?;
        self.looks.remember(key, hour);
        Ok(())
    }
}
