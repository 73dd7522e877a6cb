//! Merchants, keys and bindings: from the store into the snapshot, and every change of them.

mod bindings;
mod bounds;
mod files;
mod keys;
mod labels;
mod limits;
mod load;
mod master;
mod merchants;
mod rotation;

use anyhow::{Result, anyhow};
use ombud_core::ids::ActorId;

use super::Service;
use super::actor::{Principal, Role};

pub(super) use bounds::set_by_operator as bounds_set_by_operator;
pub(crate) use files::secret;
pub(super) use files::{code_key, private_folder};
pub(super) use labels::is_same_person;
pub(super) use limits::{LIMITS, kept as kept_limits};
pub(super) use load::{JSON, WASM, guardrail};
pub use master::MasterKeyFrom;
pub(super) use master::{IN_FORCE, fitting_masters, is_noted, master_key, master_key_beside, note_in_force, present_master_key};
pub(super) use merchants::digest_of;
pub use rotation::{MasterKeyView, RotationState, RotationView};

impl Service {
    /// The operator as the data directory's owner: commands on the directory act as this.
    pub fn owner() -> Result<Principal> {
        Ok(Principal {
            actor: ActorId::new("operator").map_err(|error| anyhow!("{error}"))?,
            role: Role::Operator,
            merchant: None,
            key: None,
        })
    }
}
