//! What the default after-sale policy, the guardrail and the host's caps share (domain policies 5.1): classes of reasons, windows, the
//! intact test, exclusions, evidence, the order's arithmetic, and how a ruling is put into words.
//!
//! Everything here is a function of its arguments; a merchant's parameters come in as such and are never read from settings. Amounts
//! stay within [`AMOUNT_MAX`] and malformed facts never trap: a trap in a policy is a fault, and a fault answers nobody.

mod amount;
mod bill;
mod channels;
mod checks;
mod class;
mod condition;
mod draft;
mod evidence;
mod explain;
mod line;
mod settle;
mod text;
mod window;

pub mod sources;

#[cfg(test)]
mod tests;

pub use amount::{Account, Amount, Basis, NoReasonTerms, PartialMode};
pub use bill::{AMOUNT_MAX, Bill, half_up, largest_remainder};
pub use channels::Split;
pub use checks::{
    already_settled, custom_made_decides, damage_proven, disclosed_defect, download_decides, due_basis, duplicate, injury, input_is_broken,
    no_reason_payer, parcel_disputed, resolution, return_payer, within_burden_months,
};
pub use class::{Class, class_of, is_electronic, is_food, is_quality};
pub use condition::{Excluded, Intact, Trigger, excluded, exclusion_usable, intact, is_excluded, not_intact_because, trigger};
pub use draft::{Draft, Terms};
pub use evidence::{convincing, first_convincing_capture, strength, strong};
pub use explain::{Read, Row};
pub use line::{Requested, requested};
pub use settle::ExchangeFor;
pub use text::{list_zh, missing_zh, request_zh, yuan};
pub use window::{Standing, Window, no_reason_days, window};
