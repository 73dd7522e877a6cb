//! `ombud build` where the tools of a language are a script: what it refuses to write, and what it compares where bytes say nothing.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use ombud_tests::command::{Ran, path, run};
use ombud_tests::guests::{component, root};
use ombud_tests::uploads::{bare, policy, with_section};

/// Stands for componentize-py: the component that it gives lies beside the policy.
const TOOL: &str = "#!/bin/sh\nif [ \"$1\" = --version ]; then echo componentize-py 0.0.1; else cp made.wasm build/policy.wasm; fi\n";
const MANIFEST: &str = "[project]\nname = \"late\"\nversion = \"1.0.0\"\nlicense = \"Apache-2.0\"\n\n\
                        [tool.ombud]\nkind = \"delay\"\ncases = \"cases.yaml\"\nsettings_schema = \"settings.schema.json\"\n";

/// A policy in Python with the folder of packages beside it, until it is dropped.
struct Source {
    _folder: tempfile::TempDir,
    own: PathBuf,
    out: PathBuf,
}

impl Source {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (own, out) = (folder.path().join("late"), folder.path().join("out"));
        std::fs::create_dir_all(own.join(".venv/bin")).unwrap();
        let tool = own.join(".venv/bin/componentize-py");
        std::fs::write(&tool, TOOL).unwrap();
        std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::write(own.join("pyproject.toml"), MANIFEST).unwrap();
        for file in ["cases.yaml", "settings.schema.json"] {
            std::fs::copy(root().join("policies/delay").join(file), own.join(file)).unwrap();
        }
        let source = Self { _folder: folder, own, out };
        source.gives(&bare(&policy("delay")));
        source
    }

    /// What the tool gives from now on.
    fn gives(&self, component: &[u8]) {
        std::fs::write(self.own.join("made.wasm"), component).unwrap();
    }

    fn build(&self, more: &[&str]) -> Ran {
        run(&[&["build", path(&self.own), "--out", path(&self.out)], more].concat())
    }

    fn package(&self) -> PathBuf {
        self.out.join("late")
    }
}

/// A tool that gives other bytes each time says nothing by them: both components are asked every case.
#[test]
fn rulings_are_compared_where_a_tool_does_not_give_the_same_bytes_twice() {
    let source = Source::new();
    source.build(&[]).exits(0);
    source.build(&["--verify"]).exits(0).says("the same bytes");
    let before = std::fs::read(source.package().join("late.wasm")).unwrap();
    source.gives(&with_section(&bare(&policy("delay")), "noise", b"another time"));
    source.build(&["--verify"]).exits(0).says("the same rulings").says("does not give the same bytes twice").says(" 0 answered otherwise");
    // The same tool, and another policy.
    source.gives(&component("long-error", "delay-policy"));
    source.build(&["--verify"]).exits(1).says("DIFFERENT RULINGS");
    assert_eq!(std::fs::read(source.package().join("late.wasm")).unwrap(), before);
}

/// What the gate would refuse of a component's schema is told when it is built, and not written.
#[test]
fn a_component_whose_schema_the_gate_refuses_is_not_written() {
    let source = Source::new();
    let schema = source.own.join("settings.schema.json");
    let good = std::fs::read_to_string(&schema).unwrap();
    let stale = good.replacen("\"minimum\": 0", "\"minimum\": 1", 1);
    assert_ne!(stale, good);
    for (text, step) in [("{", "`schema`"), (stale.as_str(), "`bounds`")] {
        std::fs::write(&schema, text).unwrap();
        source.build(&[]).exits(2).complains("`ombud check` would refuse it").complains(step);
        assert!(!source.package().exists());
    }
    std::fs::write(&schema, &good).unwrap();
    source.build(&[]).exits(0);
    run(&["check", path(&source.package())]).exits(0);
}
