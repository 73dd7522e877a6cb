//! Components are compiled in a process of their own: what takes too much is refused by the name of its limit, what the process does
//! besides is a crash, and code comes out as from the compiler in process.

use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use ombud_core::fault::FaultCode;
use ombud_sandbox::{CodeKey, Compiler, Limits, LoadLimits, Refused, Sandbox};
use ombud_tests::guests::{self, facts};
use ombud_tests::{process, uploads};

/// The real worker.
pub(crate) fn worker() -> Compiler {
    Compiler::Worker { program: process::ombud().to_path_buf(), arguments: vec!["compile-worker".into()] }
}

/// A process that does something else: a shell script. Two limits and the size of the component follow as `$0` to `$2`.
fn other(script: &str) -> Compiler {
    Compiler::Worker { program: "/bin/sh".into(), arguments: vec!["-c".into(), script.into()] }
}

fn sandbox(compiler: Compiler, limits: LoadLimits) -> Sandbox {
    Sandbox::new().unwrap().with_compiler(compiler, limits)
}

fn load(compiler: Compiler, limits: LoadLimits, component: &[u8]) -> Result<(), Refused> {
    let plugin = sandbox(compiler, limits).load(component)?;
    assert_eq!(plugin.decide(&facts(), "{}", &Limits::default(), 0).result.unwrap_err().code, FaultCode::Trap);
    Ok(())
}

/// A guest that traps, with one more function.
fn with_function(body: &str) -> Vec<u8> {
    guests::component_with("trap", "delay-policy", &format!("(func (param i32 i64) (result i32) {body})"))
}

/// A function of many blocks that all need the values of all others: slow to compile and large while it is compiled.
pub(crate) fn bomb(blocks: usize) -> Vec<u8> {
    use std::fmt::Write as _;
    const LOCALS: usize = 200;
    let mut body = "(local i64) ".repeat(LOCALS);
    for block in 0..blocks {
        let (to, from) = (2 + block % LOCALS, 2 + (block * 7 + 1) % LOCALS);
        write!(
            body,
            "(if (i32.eq (local.get 0) (i32.const {block})) (then (local.set {to} (i64.add (local.get {from}) (i64.const {block})))))"
        )
        .unwrap();
    }
    body.push_str("(i32.wrap_i64 (local.get 5))");
    with_function(&body)
}

/// Blocks within blocks.
pub(crate) fn nested(depth: usize) -> Vec<u8> {
    with_function(&format!("{}{} (i32.const 1)", "(block (br_if 0 (local.get 0)) ".repeat(depth), ")".repeat(depth)))
}

#[test]
fn a_worker_gives_the_code_that_the_compiler_in_process_gives() {
    let folder = tempfile::tempdir().unwrap();
    let guest = guests::component("trap", "delay-policy");
    let codes: Vec<Vec<u8>> = [Compiler::InProcess, worker()]
        .into_iter()
        .enumerate()
        .map(|(number, compiler)| {
            let cache = folder.path().join(number.to_string());
            let cached = |compiler| sandbox(compiler, LoadLimits::default()).with_cache(cache.clone(), CodeKey([1; 32])).unwrap();
            cached(compiler).load(&guest).unwrap();
            // From now on nobody needs to compile it.
            cached(other("exit 7")).load(&guest).unwrap();
            std::fs::read(guests::files(&cache, ".code").remove(0)).unwrap()
        })
        .collect();
    assert_eq!(codes[0], codes[1]);

    // Exactly as much code as it is, and one byte less; the cache's file has a tag of 32 bytes before it.
    let within = |code_bytes_max: usize| load(worker(), LoadLimits { code_bytes_max, ..LoadLimits::default() }, &guest);
    let code = codes[0].len() - 32;
    within(code).unwrap();
    assert_eq!(within(code - 1), Err(Refused::CodeTooLarge { max: code - 1 }));
}

fn within_cpu(compile_cpu_s: u64, component: &[u8]) -> Result<(), Refused> {
    load(worker(), LoadLimits { compile_cpu_s, ..LoadLimits::default() }, component)
}

/// Seconds of processor time for what is too slow: many times those of a usual component, also where the machine has much to do.
pub(crate) const SLOW_CPU_S: u64 = 3;

/// What takes more processor time than that here, and not much more: how deep that is depends on the machine.
pub(crate) fn slow() -> &'static [u8] {
    static SLOW: OnceLock<Vec<u8>> = OnceLock::new();
    SLOW.get_or_init(|| {
        (0..8)
            .map(|power| nested(4_000 << power))
            .find(|component| within_cpu(SLOW_CPU_S, component).is_err())
            .expect("the bound is not reached")
    })
}

#[test]
fn what_takes_too_much_time_is_ended_and_what_takes_a_little_less_is_not() {
    within_cpu(SLOW_CPU_S, &nested(100)).unwrap();
    assert_eq!(within_cpu(SLOW_CPU_S, slow()), Err(Refused::CompileTime { limit: "compile_cpu_s", seconds: SLOW_CPU_S }));
    within_cpu(60, slow()).unwrap();
}

#[test]
fn what_takes_too_much_memory_is_ended_and_what_takes_a_little_less_is_not() {
    let within = |megabytes: usize, component: &[u8]| {
        load(worker(), LoadLimits { compile_memory_bytes_max: megabytes << 20, ..LoadLimits::default() }, component)
    };
    within(128, &bomb(100)).unwrap();
    // Some 350 MB.
    let large = bomb(10_000);
    assert_eq!(within(128, &large), Err(Refused::CompileMemory { max: 128 << 20 }));
    within(1024, &large).unwrap();
}

#[test]
fn what_waits_is_ended_by_the_clock() {
    let started = Instant::now();
    let limits = LoadLimits { compile_deadline_s: 1, ..LoadLimits::default() };
    let refused = load(other("exec sleep 60"), limits, &guests::component("trap", "delay-policy"));
    assert_eq!(refused, Err(Refused::CompileTime { limit: "compile_deadline_s", seconds: 1 }));
    assert!((1..30).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
}

#[test]
fn a_worker_that_does_anything_else_has_crashed() {
    let guest = guests::component("trap", "delay-policy");
    let refused = |script: &str| load(other(script), LoadLimits { code_bytes_max: 1 << 20, ..LoadLimits::default() }, &guest).unwrap_err();
    for (script, says) in [
        ("kill -SEGV $$", "signal: 11"),
        ("kill -ABRT $$", "signal: 6"),
        ("exit 7", "exit status: 7"),
        ("echo the compiler panicked; exit 4", "the compiler panicked"),
        ("echo no code", "no code for this engine"),
        ("exit 0", "no code for this engine"),
        // The component goes through the pipe unread, and comes back as it went.
        ("exec head -c $2", "no code for this engine"),
    ] {
        let refused = refused(script);
        assert!(matches!(&refused, Refused::CompileCrash(detail) if detail.contains(says)), "{script}: {refused}");
        assert_eq!(refused.code(), "compile-crash");
    }
    assert!(matches!(refused("echo a block too many; exit 3"), Refused::Compile(why) if why.starts_with("a block too many")));
    assert!(matches!(refused("exec yes"), Refused::CodeTooLarge { max: 1_048_576 }));
    let missing = Compiler::Worker { program: "/nowhere/ombud".into(), arguments: Vec::new() };
    let refused = load(missing, LoadLimits::default(), &guest).unwrap_err();
    assert!(refused.to_string().contains("`/nowhere/ombud` cannot be started"), "{refused}");
}

#[test]
fn a_worker_ends_with_its_parent() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("slow.wasm");
    // With what it must say of itself: without that it is refused before it is compiled.
    std::fs::write(&file, uploads::named(&nested(40_000), &uploads::facts("slow", "1"))).unwrap();
    let mut check = Command::new(process::ombud()).arg("check").arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let worker = within(|| {
        let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", check.id())).ok()?;
        // Before it has become the worker it has the parent's name.
        children
            .split_whitespace()
            .find(|child| running(child).is_some_and(|command| command.contains("compile-worker")))
            .map(str::to_owned)
    });
    check.kill().unwrap();
    check.wait().unwrap();
    within(|| running(&worker).is_none().then_some(()));
}

/// The command line of a process; none if it has ended.
fn running(process: &str) -> Option<String> {
    std::fs::read_to_string(format!("/proc/{process}/cmdline")).ok().filter(|command| !command.is_empty())
}

/// What is found within half a minute.
#[track_caller]
fn within<T>(mut find: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        match find() {
            Some(found) => return found,
            None => assert!(started.elapsed().as_secs() < 30, "nothing within half a minute"),
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
