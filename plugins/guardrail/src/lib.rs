//! Platform guardrails: statutory rights outrank the merchant (domain policies 5.7). A guardrail sees the case and the merchant's ruling and
//! upholds it, amends it towards the consumer, or asks for a person.

pub mod after_sale;
pub mod blacklist;
pub mod delay;
pub mod reply;
pub mod settings;

pub use settings::Settings;
