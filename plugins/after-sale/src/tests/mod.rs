//! Golden cases and properties of the default after-sale policy.

mod golden;
