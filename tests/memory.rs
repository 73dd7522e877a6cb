//! The memory of Rust policies: a usual decision stays within what the component declares, a hungry one gets more up to the limit, and
//! beyond it ends in the typed fault.

use ombud::cases;
use ombud::registry::Registry;
use ombud_core::fault::FaultCode;
use ombud_core::golden;
use ombud_sandbox::{Limits, Plugin, Sandbox};
use ombud_tests::guests::{self, root};
use serde_json::json;

/// Bytes of a WebAssembly page.
const PAGE_BYTES: usize = 64 << 10;

fn within(pages: usize) -> Limits {
    Limits { memory_bytes_max: pages * PAGE_BYTES, ..Limits::default() }
}

/// What the component declares.
fn declared_pages(plugin: &Plugin) -> usize {
    usize::try_from(plugin.inspection().memory_bytes).unwrap() / PAGE_BYTES
}

#[test]
fn the_golden_cases_never_grow_a_memory() {
    let sandbox = Sandbox::new().unwrap();
    for (name, package) in Registry::load(&root().join("policies"), &sandbox).unwrap().packages {
        let plugin = package.plugin.unwrap();
        let pages = declared_pages(&plugin);
        assert!(pages * PAGE_BYTES < 1 << 20, "{name} declares {pages} pages");
        // No page more: whoever asks for one is refused and ends in a memory fault.
        let cases = golden::load(plugin.inspection().cases.as_ref().unwrap()).unwrap();
        let report = cases::run(&[(plugin, "{}".to_owned())], &cases, &within(pages), || ());
        assert!(report.failed == 0 && report.passed > 0, "{name}: {:?}", report.failures);
    }
}

#[test]
fn a_hungry_policy_has_what_it_wrote_and_ends_at_the_limit() {
    let sandbox = Sandbox::new().unwrap();
    let component = std::fs::read(root().join("tests/policies/hungry/hungry.wasm")).unwrap();
    let plugin = sandbox.load(&component).unwrap();
    let declared = declared_pages(&plugin);
    let decide = |limits: &Limits, steps: u32, block_bytes: u32, frees: bool| {
        let settings = json!({"steps": steps, "block_bytes": block_bytes, "frees": frees}).to_string();
        plugin.decide(&guests::facts(), &settings, &Limits { fuel_base: u64::MAX / 2, deadline_ms: 60_000, ..limits.clone() }, 0).result
    };
    // Within the arena no page is added; past it the memory grows, by small blocks and by large ones.
    decide(&within(declared), 500, 200, true).unwrap();
    for (steps, block_bytes) in [(5_000, 200), (50_000, 20), (2_000, 20_000), (100, 200_000), (5, 5_000_000)] {
        for frees in [true, false] {
            decide(&Limits::default(), steps, block_bytes, frees).unwrap();
        }
    }
    // A block of almost 1 MB has no room in the arena: it takes 15 pages of its own, and one page less is not enough.
    let least = (declared..).find(|pages| decide(&within(*pages), 1, 1_000_000, false).is_ok()).unwrap();
    assert!(least > declared && least <= declared + 15, "{declared} pages declared, {least} needed");
    for (limits, steps, block_bytes) in
        [(within(least - 1), 1, 1_000_000), (Limits::default(), 100_000, 20_000), (Limits::default(), 50, 10_000_000)]
    {
        let fault = decide(&limits, steps, block_bytes, false).unwrap_err();
        assert_eq!(fault.code, FaultCode::Memory, "{steps} × {block_bytes}: {}", fault.detail);
    }
}
