//! Golden cases, settings and properties of the default after-sale policy.

mod fixture;
mod generate;
mod golden;
mod invariant;
mod money;
mod properties;
mod returns;
mod rows;
mod settings;
