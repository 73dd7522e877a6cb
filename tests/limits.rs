//! The sandbox's limits. Of each: what is just within it runs, what is just beyond ends in the limit's own fault. Then who sets them: the
//! operator defaults and bounds, a merchant its own within them, and a record keeps what was in force for its replay.

mod setting;

use ombud_core::case::Case;
use ombud_core::fault::{Fault, FaultCode};
use ombud_core::golden::{self, Given};
use ombud_sandbox::{Facts, Limits, Plugin, Run, Sandbox};
use ombud_tests::guests::{self, facts};

/// What a guest gives under limits, for an event of 10 bytes.
fn under(plugin: &Plugin, limits: &Limits) -> Run<ombud_core::ruling::Ruling> {
    plugin.decide(&facts(), "{}", limits, 10)
}

fn fault(plugin: &Plugin, limits: &Limits) -> Fault {
    under(plugin, limits).result.unwrap_err()
}

/// Asserts that the guest ends in its own trap within a limit, and beyond it in the limit's fault, which names the limit.
#[track_caller]
fn both_sides(guest: &str, limit: &str, within: &Limits, beyond: &Limits, code: FaultCode) {
    let sandbox = Sandbox::new().unwrap();
    let plugin = sandbox.load(&guests::component(guest, "delay-policy")).unwrap();
    let own = fault(&plugin, within);
    assert_eq!(own.code, FaultCode::Trap, "{guest} within {limit}: {}", own.detail);
    let refused = fault(&plugin, beyond);
    assert_eq!(refused.code, code, "{guest} beyond {limit}: {}", refused.detail);
    assert!(refused.detail.contains(limit), "{guest} beyond {limit}: {}", refused.detail);
}

/// The least value with which something holds that holds for every larger one as well.
fn least(most: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, most);
    assert!(holds(high));
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    low
}

#[test]
fn fuel_to_the_unit() {
    let sandbox = Sandbox::new().unwrap();
    let plugin = sandbox.load(&guests::component("trap", "delay-policy")).unwrap();
    let used = under(&plugin, &Limits::default()).fuel;
    // A few units more than was used: fuel is taken ahead of a run of instructions.
    let enough = least(1_000, |fuel| {
        fault(&plugin, &Limits { fuel_base: fuel as u64, fuel_per_event_byte: 0, ..Limits::default() }).code == FaultCode::Trap
    });
    assert!((used..used + 20).contains(&(enough as u64)), "{enough} and {used}");
    let (base, per_byte) = (enough as u64 - 50, 5);
    let limits = |fuel_base, fuel_per_event_byte| Limits { fuel_base, fuel_per_event_byte, ..Limits::default() };
    both_sides("trap", "fuel", &limits(base, per_byte), &limits(base - 1, per_byte), FaultCode::Fuel);
    both_sides("trap", "fuel", &limits(base, per_byte), &limits(base, per_byte - 1), FaultCode::Fuel);
}

#[test]
fn the_deadline_ends_what_fuel_would_end_later() {
    let sandbox = Sandbox::new().unwrap();
    let plugin = sandbox.load(&guests::component("endless-loop", "delay-policy")).unwrap();
    // Fuel for some hundred milliseconds.
    let limits = |deadline_ms| Limits { fuel_base: 300_000_000, deadline_ms, ..Limits::default() };
    assert_eq!(fault(&plugin, &limits(10_000)).code, FaultCode::Fuel);
    let late = fault(&plugin, &limits(10));
    assert_eq!((late.code, late.detail.as_str()), (FaultCode::Deadline, "deadline_ms 10"));
}

#[test]
fn memory_to_the_byte() {
    // The guest starts with two pages of 64 KiB.
    let limits = |memory_bytes_max| Limits { memory_bytes_max, ..Limits::default() };
    both_sides("trap", "memory_bytes_max", &limits(131_072), &limits(131_071), FaultCode::Memory);
}

#[test]
fn elements_of_a_table() {
    let limits = |table_elements_max| Limits { table_elements_max, ..Limits::default() };
    both_sides("grows-table", "table_elements_max", &limits(100), &limits(99), FaultCode::Memory);
}

#[test]
fn core_instances() {
    let sandbox = Sandbox::new().unwrap();
    let plugin = sandbox.load(&guests::component("trap", "delay-policy")).unwrap();
    let limits = |instances_max| Limits { instances_max, ..Limits::default() };
    let enough = least(64, |instances| fault(&plugin, &limits(instances)).code == FaultCode::Trap);
    assert!(enough >= 1);
    both_sides("trap", "instances_max", &limits(enough), &limits(enough - 1), FaultCode::Memory);
}

#[test]
fn the_log_to_the_byte() {
    // A line costs its text and 16 bytes.
    let limits = |log_bytes_max| Limits { log_bytes_max, ..Limits::default() };
    both_sides("logs-once", "log_bytes_max 1015", &limits(1_016), &limits(1_015), FaultCode::Log);
}

#[test]
fn what_the_host_searches_for_a_guest_costs_fuel() {
    let sandbox = Sandbox::new().unwrap();
    let folds = |bytes: usize| {
        let text = guests::text("folds-text").replace("(i32.const 1000)", &format!("(i32.const {bytes})"));
        sandbox.load(&guests::component_of_v1_1("folds-text", "delay-policy", &text)).unwrap()
    };
    let used = |bytes: usize| under(&folds(bytes), &Limits::default()).fuel;
    // A byte costs 16, whoever else is on the machine.
    assert_eq!(used(1_001) - used(1_000), 16);
    assert_eq!(used(1_000), used(1_000));
    // What is not there is not spent: the work is not begun.
    let code = |fuel: usize| fault(&folds(1_000), &Limits { fuel_base: fuel as u64, fuel_per_event_byte: 0, ..Limits::default() }).code;
    let enough = least(100_000, |fuel| code(fuel) == FaultCode::Trap);
    assert!((16_000..17_000).contains(&enough), "{enough}");
    assert_eq!(code(enough - 1), FaultCode::Fuel);
}

#[test]
fn bytes_copied_out_of_a_guest() {
    let sandbox = Sandbox::new().unwrap();
    let plugin = sandbox.load(&guests::component("long-error", "delay-policy")).unwrap();
    let limits = |hostcall_bytes_max| Limits { hostcall_bytes_max, ..Limits::default() };
    // The guest's own error of 10 000 bytes, where it may say so much.
    let enough = least(1 << 20, |bytes| fault(&plugin, &limits(bytes)).code == FaultCode::PolicyError);
    assert!((10_000..10_200).contains(&enough), "{enough}");
    let refused = fault(&plugin, &limits(enough - 1));
    assert_eq!(refused.code, FaultCode::Output);
    assert!(refused.detail.contains("hostcall_bytes_max"), "{}", refused.detail);
}

#[test]
fn texts_of_a_ruling_to_the_byte() {
    let sandbox = Sandbox::new().unwrap();
    let plugin = sandbox.load(&std::fs::read(guests::root().join("policies/delay/delay.wasm")).unwrap()).unwrap();
    let cases = golden::load(&std::fs::read_to_string(guests::root().join("tests/cases/golden.yaml")).unwrap()).unwrap();
    let facts = cases.iter().find_map(|case| match &case.given {
        Given::Delay(ctx, facts) => Some(Facts::new(ctx, &Case::Delay(facts.clone()))),
        _ => None,
    });
    let facts = facts.unwrap();
    let under = |ruling_bytes_max| plugin.decide(&facts, "{}", &Limits { ruling_bytes_max, ..Limits::default() }, 0).result;
    let bytes = least(64 << 10, |bytes| under(bytes).is_ok());
    let refused = under(bytes - 1).unwrap_err();
    assert_eq!((refused.code, refused.detail), (FaultCode::Output, format!("a ruling of {bytes} bytes, ruling_bytes_max {}", bytes - 1)));
}

#[test]
fn the_stack() {
    let sandbox = Sandbox::new().unwrap();
    let code = |depth: usize| {
        let text = guests::text("recurses").replace("DEPTH", &depth.to_string());
        let plugin = sandbox.load(&guests::component_of("recurses", "delay-policy", &text)).unwrap();
        fault(&plugin, &Limits::default()).code
    };
    // Each call keeps some 32 bytes and more of the 512 KiB.
    let overflows = least(100_000, |depth| code(depth) == FaultCode::Stack);
    assert_eq!((code(overflows - 1), code(overflows)), (FaultCode::Trap, FaultCode::Stack));
    assert!((1_000..=32_768).contains(&overflows), "{overflows}");
}
