//! What is better for the consumer is an order, and never takes anything away.

use ombud_rules::contract::after_sale::{self, AfterSaleRuling};
use ombud_rules::contract::delay::{self, DelayRuling, Tier};
use proptest::prelude::*;

use super::*;
use crate::fallback::{Fallbacks, fallback};
