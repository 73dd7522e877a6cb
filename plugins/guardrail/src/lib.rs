//! Platform guardrails: statutory rights outrank the merchant.
