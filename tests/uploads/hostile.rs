//! Uploads that mean harm: what they are made of, what they cost, how many there are.

use std::time::Instant;

use ombud::gate::{Candidate, Gate, Step, look, refusal};
use ombud::service::{Options, Role};
use ombud_core::call_limits::OperatorLimits;
use ombud_core::upload_limits::UploadLimits;
use ombud_ledger::Digest;
use ombud_sandbox::{Limits, Sandbox};
use ombud_tests::guests::{component, component_of, root, text};
use ombud_tests::process;
use ombud_tests::server::{Server, shared};
use ombud_tests::uploads::{ended, facts, failed_step, guest, leb, named, upload, with_section};
use serde_json::{Value, json};

use super::refused::{nothing_is_kept, refused};
use crate::compile;

fn server(limits: Value) -> (tempfile::TempDir, Server) {
    let data = tempfile::tempdir().unwrap();
    let limits = Some(OperatorLimits::parse(limits.to_string().as_bytes()).unwrap());
    let options = Options { policies: Some(root().join("policies")), limits, compiler: compile::worker(), ..Options::default() };
    let server = Server::with(data.path(), options);
    (data, server)
}

/// Components that each instantiate the one before them several times, beside each other or in each other.
fn bomb(levels: usize, times: usize) -> Vec<u8> {
    let mut text = "(core module $m) (component $c0 (alias outer 1 $m (core module $m)) (core instance (instantiate $m)))".to_owned();
    for level in 1..=levels {
        let before = level - 1;
        let instances = "(instance (instantiate $c))".repeat(times);
        text.push_str(&format!("(component $c{level} (alias outer 1 $c{before} (component $c)) {instances})"));
    }
    wat::parse_str(format!("(component {text} (instance (instantiate $c{levels})))")).unwrap()
}

/// A component in a component, and so on: text would be too deep for its reader.
fn deep(levels: usize) -> Vec<u8> {
    const HEADER: &[u8] = b"\0asm\x0d\0\x01\0";
    (0..levels).fold(HEADER.to_vec(), |inner, _| [HEADER, &[4], &leb(inner.len()), &inner].concat())
}

#[test]
fn bombs_of_components_in_components() {
    let merchant = shared().merchant(json!({}));
    for (component, problem) in [
        (bomb(30, 10), "makes 18446744073709551615 core instances"),
        (bomb(1, 65), "makes 65 core instances"),
        (deep(8), "more than 8 deep"),
        (deep(5_000), "more than 8 deep"),
        (wat::parse_str(format!("(component {})", "(core module)".repeat(257))).unwrap(), "more than 256 core modules"),
    ] {
        let (step, problems) = refused(&merchant, component);
        assert_eq!(step, "structure");
        assert!(problems.contains(problem), "{problems}");
    }
    // Just as much as may be: then it lacks what every policy has.
    for component in [bomb(1, 64), deep(7), wat::parse_str(format!("(component {})", "(core module)".repeat(256))).unwrap()] {
        assert_eq!(refused(&merchant, component).0, "contract");
    }
}

/// Components whose imports are compared, export by export, each time that they are instantiated; nobody instantiates what they are in.
fn compared(times: usize) -> Vec<u8> {
    let exports: String = (0..900).map(|at| format!("(export \"e{at}\" (func (param \"a\" u32) (result u32)))")).collect();
    let instances = "(instance (instantiate $c (with \"a\" (instance $i))))".repeat(900);
    let inner = format!(
        "(component (type $t (instance {exports})) (import \"i\" (instance $i (type $t))) (component $c (import \"a\" (instance {exports}))) {instances})"
    );
    wat::parse_str(format!("(component {})", inner.repeat(times))).unwrap()
}

/// Processor time of this thread, in milliseconds.
fn own_cpu_ms() -> u64 {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    times.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1_000_000
}

#[test]
fn what_takes_too_long_to_read() {
    let sandbox = Sandbox::new().unwrap();
    let (_data, server) = server(json!({"upload": {"read_cpu_s": 2}}));
    let merchant = server.merchant(json!({}));
    // How much of it takes a second of processor time on this machine.
    let took = |times: usize| {
        let (component, before) = (compared(times), own_cpu_ms());
        _ = sandbox.inspect(&component);
        own_cpu_ms() - before
    };
    let most = (1..).map(|power| 1_usize << power).find(|times| took(*times) > 300).unwrap();
    let each_ms = took(most) as f64 / most as f64;
    let lasting = |ms: f64| compared((ms / each_ms) as usize);
    let (step, problems) = refused(&merchant, lasting(3_500.0));
    assert_eq!(step, "structure", "{problems}");
    assert!(problems.contains("reading it took more than read_cpu_s (2 s) of processor time"), "{problems}");
    // Less of the same is read, and lacks what every policy has; however long it takes by the clock.
    let stop = std::sync::atomic::AtomicBool::new(false);
    let busy = std::thread::available_parallelism().unwrap().get() * 6;
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..busy {
            scope.spawn(|| {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) && began.elapsed().as_secs() < 120 {
                    std::hint::spin_loop();
                }
            });
        }
        let (step, problems) = refused(&merchant, lasting(1_000.0));
        let took = began.elapsed();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(step, "contract", "{problems}");
        assert!(took.as_millis() > 2_000, "the machine was not busy: {took:?}");
    });
}

#[test]
fn memories_and_tables_that_no_limit_allows() {
    let merchant = shared().merchant(json!({}));
    let of = |module: &str| refused(&merchant, wat::parse_str(format!("(component (core module {module}))")).unwrap());
    for (module, problem) in [
        ("(memory 65536)".to_owned(), "4294967296 bytes, more than memory_bytes_max can be (268435456)"),
        ("(memory 4097)".to_owned(), "268500992 bytes"),
        ("(memory 928)".repeat(50), "memory_bytes_max"),
        ("(table 4294967295 funcref)".to_owned(), "4294967295 elements, more than table_elements_max can be (100000)"),
        ("(table 100001 funcref)".to_owned(), "100001 elements"),
    ] {
        let (step, problems) = of(&module);
        assert_eq!(step, "structure", "{problems}");
        assert!(problems.contains(problem), "{problems}");
    }
    // Just as much as may be: then it lacks what every policy has.
    for module in ["(memory 4096)".to_owned(), "(memory 1024)".repeat(4), "(table 100000 funcref)".to_owned()] {
        assert_eq!(of(&module).0, "contract");
    }
}

#[test]
fn cases_that_are_nested_too_deep() {
    let merchant = shared().merchant(json!({}));
    let cases = |levels: usize| format!("cases:\n  {}{}\n", "[".repeat(levels), "]".repeat(levels));
    let with = |cases: &str| with_section(&guest("nested", "1"), "ombud:cases", cases.as_bytes());
    let began = Instant::now();
    let (step, problems) = refused(&merchant, with(&cases(200_000)));
    assert_eq!(step, "cases", "{problems}");
    assert!(problems.contains("nested deeper than 100 levels in line 2"), "{problems}");
    assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
    // One level less than too many: it is read, and is no case.
    for (levels, too_deep) in [(98, false), (99, true)] {
        let (step, problems) = refused(&merchant, with(&cases(levels)));
        assert_eq!((step.as_str(), problems.contains("levels")), ("cases", too_deep), "{problems}");
    }
}

#[test]
fn a_merchants_versions_take_so_much_and_no_more() {
    const MAX: usize = 1 << 20;
    let (_data, server) = server(json!({"upload": {"stored_bytes_max": MAX}}));
    let (merchant, neighbour) = (server.merchant(json!({})), server.merchant(json!({})));
    let of = |version: &str, bytes: usize| {
        let small = guest("stored", version);
        with_section(&small, "padding", &vec![7; bytes - small.len() - 64])
    };
    let first = of("1", MAX / 2);
    let left = MAX - first.len() - 2;
    let fills = |version: &str, bytes: usize| {
        let most = of(version, bytes);
        let small = guest("stored", version);
        with_section(&small, "padding", &vec![7; bytes - small.len() - 64 + bytes - most.len()])
    };
    assert_eq!(ended(&merchant, &upload(&merchant, first.clone()).send()).0, 201);
    let (step, problems) = refused(&merchant, fills("2", left + 1));
    assert_eq!(step, "room");
    assert!(problems.contains("stored_bytes_max (1048576)"), "{problems}");
    // Settings that are there already take nothing more; neither does what is uploaded again.
    assert_eq!(ended(&merchant, &upload(&merchant, fills("3", left)).send()).0, 201);
    assert_eq!(ended(&merchant, &upload(&merchant, first.clone()).send()).0, 200);
    assert_eq!(refused(&merchant, guest("small", "1")).0, "room");
    assert_eq!(ended(&neighbour, &upload(&neighbour, first).send()).0, 201, "each has its own");
}

#[test]
fn what_the_engine_profile_leaves_off() {
    let merchant = shared().merchant(json!({}));
    for module in [
        "(memory 1 1 shared)",
        "(memory i64 1)",
        "(func (param v128 v128 v128) (result v128) (i32x4.relaxed_laneselect (local.get 0) (local.get 1) (local.get 2)))",
        "(tag)",
        "(type (struct))",
        "(func (param i32) (result i32) (memory.atomic.notify (local.get 0) (i32.const 1))) (memory 1)",
    ] {
        let component = wat::parse_str(format!("(component (core module {module}))")).unwrap();
        let (step, problems) = refused(&merchant, component);
        assert_eq!(step, "structure", "{module}: {problems}");
        assert!(problems.contains("under the engine profile"), "{module}: {problems}");
    }
}

#[test]
fn a_hundred_megabytes_of_data() {
    let merchant = shared().merchant(json!({}));
    let with = |megabytes: usize| with_section(&guest("large", "1"), "data", &vec![0; megabytes << 20]);
    // Somewhat too large is read to its end, much too large is not.
    let large = with(40);
    upload(&merchant, large.clone()).send().problem(413);
    nothing_is_kept(&merchant, &Digest::of(&large));
    if let Ok(reply) = upload(&merchant, with(100)).try_send() {
        assert_eq!(reply.status, 413, "{}", reply.text());
    }
    // Memory that is filled from the start counts as any other: a policy that has more than it may does not start.
    let module = text("long-error").replace("(memory (export \"memory\") 2)", "(memory (export \"memory\") 1100)");
    let hungry = named(&component_of("long-error", "delay-policy", &module), &facts("hungry", "1"));
    let (step, problems) = refused(&merchant, hungry);
    assert_eq!(step, "settings", "{problems}");
    assert!(problems.contains("memory"), "{problems}");
}

#[test]
fn what_takes_too_long_to_compile_or_to_check() {
    // Processor time counts more on a machine that has much to do: what has to compile has the usual limits.
    let compiling = json!({"load": {"compile_cpu_s": compile::SLOW_CPU_S, "compile_memory_bytes_max": 134_217_728}});
    let checking = json!({"upload": {"check_deadline_s": 20}, "default": {"fuel_base": 1_000_000_000}});
    for (limits, component, step, problem) in [
        (&compiling, compile::slow().to_vec(), "compile", "compile_"),
        (&compiling, compile::bomb(10_000), "compile", "compile_"),
        // Each question takes all the fuel there is: a good part of a second.
        (&checking, component("endless-loop", "delay-policy"), "edges", "check_deadline_s (20 s)"),
    ] {
        let (_data, server) = server(limits.clone());
        let merchant = server.merchant(json!({}));
        let began = Instant::now();
        let (failed, problems) = refused(&merchant, named(&component, &facts("slow", "1")));
        assert_eq!(failed, step, "{problems}");
        assert!(problems.contains(problem), "{problems}");
        assert!(began.elapsed().as_secs() < 120, "{:?}", began.elapsed());
    }
}

#[test]
fn what_is_just_as_large_as_may_be_and_what_is_a_byte_larger() {
    let (_data, server) = server(json!({"load": {"component_bytes_max": 8_388_608}}));
    let merchant = server.merchant(json!({}));
    let at = |bytes: usize| {
        let small = guest("padded", "1");
        let padded = with_section(&small, "padding", &vec![7; bytes - small.len() - 64]);
        let more = bytes - padded.len();
        with_section(&small, "padding", &vec![7; bytes - small.len() - 64 + more])
    };
    assert_eq!(at(8 << 20).len(), 8 << 20);
    let (status, document) = ended(&merchant, &upload(&merchant, at(8 << 20)).send());
    assert_eq!(status, 201, "{document}");
    upload(&merchant, at((8 << 20) + 1)).send().problem(413);
}

#[test]
fn a_schema_that_kills_its_reader_kills_no_server() {
    let merchant = shared().merchant(json!({}));
    let endless = json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}});
    let deep = format!("{}{}", "{\"not\":".repeat(100), "{}") + &"}".repeat(100);
    for schema in [endless.to_string(), deep] {
        let uploaded = upload(&merchant, with_section(&guest("hostile", "1"), "ombud:settings-schema", schema.as_bytes())).send();
        let (status, document) = ended(&merchant, &uploaded);
        // Whatever is thought of it, it is thought elsewhere.
        if status == 422 {
            assert!(["schema", "settings"].contains(&failed_step(&document).0.as_str()), "{document}");
        } else {
            assert!(matches!(status, 201 | 409), "{document}");
        }
        shared().call("GET", "/healthz").send().ok();
    }
}

#[test]
fn so_many_uploads_are_under_way_and_no_more() {
    // Who checks waits until the third one was answered.
    let folder = tempfile::tempdir().unwrap();
    let go = folder.path().join("go");
    let held = format!("while [ ! -e '{}' ]; do /usr/bin/sleep 0.02; done; exec '{}' \"$@\"", go.display(), process::ombud().display());
    let program = Some(super::script(folder.path(), &held));
    let data = tempfile::tempdir().unwrap();
    let server = Server::with(data.path(), Options { policies: Some(root().join("policies")), program, ..Options::default() });
    let merchant = server.merchant(json!({}));
    let send = |number: usize| upload(&merchant, guest(&format!("queued-{number}"), "1")).header("prefer", "respond-async").send();
    let replies: Vec<_> = (0..3).map(send).collect();
    assert_eq!(replies.iter().map(|reply| reply.status).collect::<Vec<_>>(), [202, 202, 429]);
    assert_eq!(replies[2].headers["retry-after"], "1");
    for reply in &replies[..2] {
        let began = reply.json();
        assert!(matches!(began["state"].as_str(), Some("waiting" | "checking")), "{began}");
    }
    std::fs::write(go, b"").unwrap();
    for reply in &replies[..2] {
        assert_eq!(ended(&merchant, reply).0, 201);
    }
    // There is room again, and others had theirs all the time.
    assert_eq!(ended(&merchant, &send(3)).0, 201);
    let view = merchant.call(Role::Agent, "GET", "/uploads/u_1").send();
    view.problem(403);
}

/// The step that fails where another program stands for the one that checks.
fn checked_by(folder: &std::path::Path, script: &str, upload: &UploadLimits) -> Step {
    let program = super::script(folder, script);
    let (sandbox, component) = (Sandbox::new().unwrap(), guest("checked", "1"));
    let inspection = look(&sandbox, &component).1.unwrap();
    let gate = Gate { sandbox: &sandbox, program: &program, limits: &Limits::default(), upload };
    let candidate = Candidate { component: &component, settings: "{}", beside: None };
    let (steps, code) = gate.check(candidate, &inspection, |_| ());
    assert!(code.is_none());
    assert!(steps.iter().any(|step| step.name == "process"), "{steps:?}");
    refusal(&steps).unwrap().clone()
}

#[test]
fn a_process_that_checks_and_does_anything_else_passes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let limits = |check_deadline_s| UploadLimits { check_deadline_s, check_memory_bytes_max: 64 << 20, ..UploadLimits::default() };
    for (script, says) in [
        ("kill -SEGV $$", "signal: 11"),
        ("exit 7", "exit status: 7"),
        ("exit 0", "without saying what it found"),
        ("echo nonsense", "without saying what it found"),
        ("echo '{\"failed\": \"no memory\"}'; exit 4", "no memory"),
        ("echo '{\"begins\": \"cases\"}'; kill -ABRT $$", "signal: 6"),
        // Two hundred megabytes without an end of line.
        ("exec /usr/bin/tail -n 1 /dev/zero", "check_memory_bytes_max (67108864 bytes)"),
    ] {
        let failed = checked_by(folder.path(), script, &limits(60));
        assert!(failed.problems[0].contains(says), "{script}: {failed:?}");
    }
    // Reading ends by its processor time, and the clock stands behind it: each says which of the two it was.
    let read = |script: &str| {
        let program = super::script(folder.path(), script);
        let gate = Gate { sandbox: &Sandbox::new().unwrap(), program: &program, limits: &Limits::default(), upload: &limits(2) };
        gate.read(b"").map(|step| step.problems[0].clone())
    };
    assert!(read("kill -XCPU $$").unwrap().contains("read_cpu_s (30 s) of processor time"));
    assert!(read("exec /usr/bin/sleep 60").unwrap().contains("check_deadline_s (2 s), while the machine was busy"));
    assert_eq!(read("exit 0"), None);
    let began = Instant::now();
    let failed = checked_by(folder.path(), "exec /usr/bin/sleep 60", &limits(2));
    assert!(failed.problems[0].contains("check_deadline_s (2 s)"), "{failed:?}");
    assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
    assert_eq!(checked_by(folder.path(), "echo '{\"begins\": \"cases\"}'; kill -ABRT $$", &limits(60)).name, "cases");
}
