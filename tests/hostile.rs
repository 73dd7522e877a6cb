//! Hostile and broken guests: each ends in a typed fault or a refusal that names the cause; none crashes, hangs or leaks.

use std::time::Instant;

use ombud_core::fault::FaultCode;
use ombud_sandbox::{CodeKey, Compiler, Limits, LoadLimits, Refused, Sandbox};
use ombud_tests::guests::{self, facts};

fn fault_of(guest: &str) -> (FaultCode, String) {
    let sandbox = Sandbox::new().unwrap();
    let limits = Limits::default();
    let plugin = sandbox.load(&guests::component(guest, "delay-policy")).unwrap();
    let started = Instant::now();
    let run = plugin.decide(&facts(), "{}", &limits, 500);
    assert!(started.elapsed().as_secs() < 5, "{guest} ran for {:?}", started.elapsed());
    let fault = run.result.expect_err(guest);
    (fault.code, fault.detail)
}

#[test]
fn every_hostile_guest_ends_in_its_own_fault() {
    for (guest, code) in [
        ("endless-loop", FaultCode::Fuel),
        ("deep-recursion", FaultCode::Stack),
        ("memory-hog", FaultCode::Memory),
        ("exhausts-tables", FaultCode::Memory),
        ("trap", FaultCode::Trap),
        ("ill-formed-ruling", FaultCode::Output),
        ("bad-enum", FaultCode::Output),
        ("huge-ruling", FaultCode::Output),
        ("log-flood", FaultCode::Log),
    ] {
        let (got, detail) = fault_of(guest);
        assert_eq!(got, code, "{guest}: {detail}");
        assert!(!detail.is_empty(), "{guest}");
    }
}

#[test]
fn the_clock_ends_what_fuel_would_not() {
    let sandbox = Sandbox::new().unwrap();
    let limits = Limits { fuel_base: u64::MAX / 2, deadline_ms: 20, ..Limits::default() };
    let plugin = sandbox.load(&guests::component("endless-loop", "delay-policy")).unwrap();
    let started = Instant::now();
    let fault = plugin.decide(&facts(), "{}", &limits, 0).result.unwrap_err();
    assert_eq!(fault.code, FaultCode::Deadline);
    assert!(started.elapsed().as_secs() < 5);
}

#[test]
fn the_same_guest_faults_with_the_same_fuel_twice() {
    let sandbox = Sandbox::new().unwrap();
    let limits = Limits::default();
    let plugin = sandbox.load(&guests::component("trap", "delay-policy")).unwrap();
    assert_eq!(plugin.decide(&facts(), "{}", &limits, 500), plugin.decide(&facts(), "{}", &limits, 500));
}

#[test]
fn memory_just_below_its_limit_is_granted_and_just_above_refused() {
    let sandbox = Sandbox::new().unwrap();
    let guest = guests::component("trap", "delay-policy");
    // The guest starts with two pages of 64 KiB.
    let exact = Limits { memory_bytes_max: 2 * 65_536, ..Limits::default() };
    let plugin = sandbox.load(&guest).unwrap();
    assert_eq!(plugin.decide(&facts(), "{}", &exact, 0).result.unwrap_err().code, FaultCode::Trap);
    let below = Limits { memory_bytes_max: 2 * 65_536 - 1, ..Limits::default() };
    assert_eq!(plugin.decide(&facts(), "{}", &below, 0).result.unwrap_err().code, FaultCode::Memory);
}

#[test]
fn what_is_no_component_of_the_contract_is_refused_by_name() {
    let sandbox = Sandbox::new().unwrap();
    let refuse = |bytes: &[u8]| sandbox.load(bytes).unwrap_err();
    let whole = guests::component("trap", "delay-policy");

    assert!(matches!(refuse(b"hello"), Refused::NotWasm { .. }));
    assert!(matches!(refuse(&wat::parse_str("(module)").unwrap()), Refused::CoreModule));
    assert!(matches!(refuse(&whole[..whole.len() / 2]), Refused::Invalid(_)));
    assert!(matches!(refuse(&wat::parse_str("(component)").unwrap()), Refused::NoKind { .. }));
    let wasi = wat::parse_str(r#"(component (import "wasi:clocks/wall-clock@0.2.0" (instance)))"#).unwrap();
    assert_eq!(refuse(&wasi), Refused::Import("wasi:clocks/wall-clock@0.2.0".into()));
    let threads = wat::parse_str("(component (core module (memory 1 1 shared)))").unwrap();
    assert!(matches!(refuse(&threads), Refused::Invalid(_)));
    let wide = wat::parse_str("(component (core module (memory i64 1)))").unwrap();
    assert!(matches!(refuse(&wide), Refused::Invalid(_)));
    let relaxed = "(component (core module (func (param v128 v128) (result v128) local.get 0 local.get 1 i8x16.relaxed_swizzle)))";
    assert!(matches!(refuse(&wat::parse_str(relaxed).unwrap()), Refused::Invalid(_)));
    // Names the contract's interface without having its function.
    let lying = r#"(component
        (instance $none)
        (export "ombud:policy/delay@1.0.0" (instance $none))
        (export "ombud:policy/settings@1.0.0" (instance $none)))"#;
    assert!(matches!(refuse(&wat::parse_str(lying).unwrap()), Refused::Contract(_)));
}

#[test]
fn a_component_just_within_its_size_is_taken_and_just_above_refused() {
    let whole = guests::component("trap", "delay-policy");
    let within = |component_bytes_max: usize| {
        let limits = LoadLimits { component_bytes_max, ..LoadLimits::default() };
        Sandbox::new().unwrap().with_compiler(Compiler::InProcess, limits).load(&whole).map(drop)
    };
    within(whole.len()).unwrap();
    assert!(matches!(within(whole.len() - 1), Err(Refused::TooLarge { .. })));
}

#[test]
fn a_tampered_cache_file_is_compiled_again_and_never_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let guest = guests::component("trap", "delay-policy");
    let limits = Limits::default();
    let load = |key: u8| {
        let sandbox = Sandbox::new().unwrap().with_cache(folder.path().join("code"), CodeKey([key; 32])).unwrap();
        let plugin = sandbox.load(&guest).unwrap();
        assert_eq!(plugin.decide(&facts(), "{}", &limits, 0).result.unwrap_err().code, FaultCode::Trap);
    };
    load(1);
    let by_digest = || {
        let sandbox = Sandbox::new().unwrap().with_cache(folder.path().join("code"), CodeKey([1; 32])).unwrap();
        sandbox.compiled(&ombud_sandbox::digest(&guest))
    };
    let files = |ending: &str| guests::files(&folder.path().join("code"), ending);
    for file in [files(".facts").remove(0), files(".code").remove(0)] {
        let good = std::fs::read(&file).unwrap();
        for at in [0, 40, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&file, &bad).unwrap();
            assert!(by_digest().is_none(), "{} damaged at byte {at} is loaded", file.display());
            load(1);
            assert_ne!(std::fs::read(&file).unwrap(), bad, "the damaged file at byte {at} is replaced");
            assert!(by_digest().is_some());
        }
    }
    // One code in the place of another is foreign, too: its tag is over its name.
    let file = files(".code").remove(0);
    let good = std::fs::read(&file).unwrap();
    std::fs::write(&file, &good[..good.len() / 2]).unwrap();
    load(1);
    // Another installation's code is as foreign as a damaged file.
    let of_one = std::fs::read(&file).unwrap();
    load(2);
    assert_ne!(std::fs::read(&file).unwrap(), of_one);
}
