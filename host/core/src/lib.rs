//! Pure decision logic: events, cases, rulings, plan, combine, guardrail chain, caps.
