//! Tables as authors write them: what compiles, and what each mistake is answered with.

use ombud_rows::program::{Node, Op};
use ombud_rows::{Hit, Kind, Table, WhenUnknown};

use super::{Compiled, compile};
use crate::Form;

fn yaml(text: &str) -> Compiled {
    compile(text, Form::Yaml).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// Row, column and message of every problem.
fn problems(text: &str, form: Form) -> Vec<(String, String, String)> {
    let problems = compile(text, form).expect_err("a table with problems");
    problems.into_iter().map(|problem| (problem.row, problem.column, problem.message)).collect()
}

/// The message at a row and column.
fn said(row: &str, column: &str, cells: &str) -> String {
    let outcome = if cells.contains("outcome:") { "" } else { "outcome: none\n  " };
    let text = format!("kind: delay\nrows:\n- id: R1\n  episode.kind: shipping\n  {outcome}{cells}\n");
    let problems = problems(&text, Form::Yaml);
    let found = problems.iter().find(|(at, of, _)| at == row && of == column);
    found.map(|(.., message)| message.clone()).unwrap_or_else(|| panic!("nothing at {row}/{column}: {problems:?}"))
}

#[test]
fn a_table_is_the_same_in_yaml_and_in_csv() {
    let text = "kind: delay\nhit: collect max\nrows:\n- {id: A, episode.kind: 'shipping, repair', derived.overdue: '[24h..72h)', \
        outcome: compensate, form: coupon, tier: slight, amount: ¥30, source: '手册, 第2页', obligations: chase-carrier by agent in 24h}\n\
        default: {outcome: none}\n";
    let csv = "\u{feff}# kind: delay,,,,\n# hit: collect max\nid,episode.kind,derived.overdue,outcome,form,tier,amount,source,obligations\n\
        A,\"shipping, repair\",[24h..72h),compensate,coupon,slight,¥30,\"手册, 第2页\",chase-carrier by agent in 24h\ndefault,,,none,,,,,\n";
    let (one, other) = (yaml(text), compile(csv, Form::Csv).unwrap());
    assert_eq!(one.bytes, other.bytes);
    assert_eq!((one.kind, one.hit), (Kind::Delay, Hit::CollectMax));
    let table = Table::read(&one.bytes, Kind::Delay).unwrap();
    let row = table.rows.first().unwrap().row();
    assert_eq!((row.id, row.sources.as_slice(), row.reads.len()), ("A", [("手册", "第2页")].as_slice(), 2));
    assert_eq!(row.duties.first().map(|duty| (duty.action, duty.due_h)), Some(("chase-carrier", Some(24))));
    assert_eq!(table.default.map(|row| (row.row().id, row.when().len())), Some(("DEFAULT", 0)));
}

#[test]
fn every_form_of_a_cell_is_its_condition() {
    let row = |cell: &str| {
        let text = format!("kind: after-sale\nrows:\n- {{id: R, {cell}, outcome: human-review}}\n");
        yaml(&text).rows.remove(0).when.unwrap()
    };
    assert!(matches!(row("reason: quality"), Node::Two(Op::Eq, ..)));
    assert!(matches!(row("reason: 'quality, spoiled'"), Node::Among(..)));
    assert_eq!(row("reason: [quality, spoiled]"), row("reason: 'quality | spoiled'"));
    assert!(matches!(row("reason: not quality"), Node::Not(_)));
    assert!(matches!(row("condition.opened: yes"), Node::Path(_)));
    assert!(matches!(row("condition: {opened: no}"), Node::Not(_)));
    assert!(matches!(row("condition.opened: unknown"), Node::Not(_)));
    assert!(matches!(row("spoiled_share: known"), Node::Known { strict: false, .. }));
    assert!(matches!(row("spoiled-share: '< 30%'"), Node::Two(Op::Lt, ..)));
    assert_eq!(row("spoiled_share: '< 30%'"), row("spoiled_share: '< 3000'"));
    assert_eq!(row("order.freight_paid: '>= ¥12.50'"), row("order.freight_paid: '>=1250'"));
    assert!(matches!(row("order.freight_paid: '(0..¥10]'"), Node::And(..)));
    assert!(matches!(row("applied_at: '< 2026-11-11T00:00:00+08:00'"), Node::Two(Op::Lt, ..)));
    assert!(matches!(row("order.order_id: 'o, 1'"), Node::Two(Op::Eq, ..)), "a text may hold a comma");
}

#[test]
fn mistakes_are_named_by_row_and_column() {
    assert!(said("R1", "episode.kid", "episode.kid: shipping").contains("there is no fact `kid` in episode"));
    assert!(said("R1", "episode.cause", "episode.cause: merchant").contains("is no cause: merchant-stock"));
    assert!(said("R1", "derived.overdue", "derived.overdue: '> 3'").contains("is no duration"));
    assert!(said("R1", "derived.overdue", "derived.overdue: 1h..2h").contains("square bracket"));
    assert!(said("R1", "derived.overdue", "derived.overdue: '[72h..24h]'").contains("the smaller end comes first"));
    assert!(said("R1", "derived.overdue", "derived.overdue: '[24h..24h)'").contains("is empty"));
    assert!(said("R1", "amount", "amount: 20元").contains("yuan (`¥20`)"));
    assert!(said("R1", "derived.paid", "derived.paid: ¥1.999").contains("is no amount"));
    assert!(said("R1", "episode.line_ids", "episode.line_ids: L1").contains("test it in `when`"));
    assert!(said("R1", "episode.cause", "episode.cause: '> carrier'").contains("has no order"));
    assert!(said("R1", "when", "when: derived.overdue").contains("a condition is yes or no, this is a duration"));
    assert!(said("R1", "unknown", "unknown: perhaps").contains("skip"));
    assert!(said("R1", "severity", "severity: grave").contains("none of info, low"));
    assert!(said("R1", "obligations", "obligations: dance").contains("nothing that can be done"));
    assert!(said("R1", "amount", "amount: '-5'").contains("not negative"));
    assert!(said("R1", "amount", "amount: 10% of derived.overdue").contains("a number of fen, this is a duration"));
    assert!(said("R1", "outcome", "outcome: refund").contains("none of none, care-only"));
    assert!(said("R1", "form", "outcome: compensate\n  amount: ¥1").contains("an award has a form"));
    assert!(said("R1", "amount", "outcome: compensate\n  form: coupon").contains("an award has an amount"));
    assert!(said("R1", "words", "words: 好").contains("there is no fact `words`"), "another kind's column");
}

#[test]
fn an_amount_that_has_no_effect_or_breaks_the_contract_is_refused() {
    for outcome in ["none", "care-only", "human-review"] {
        let message = said("R1", "amount", &format!("outcome: {outcome}\n  amount: ¥5"));
        assert!(message.contains(&format!("`{outcome}` pays nothing")) && message.contains("compensate-with-approval"), "{message}");
    }
    let row = |outcome: &str| format!("kind: after-sale\nrows:\n- {{id: A, reason: quality, outcome: {outcome}, amount: ¥5}}\n");
    for outcome in [
        "approve-exchange",
        "approve-repair",
        "approve-resend",
        "reject",
        "reject-with-alternative",
        "reject-duplicate",
        "invalid-input",
        "need-evidence, missing: photo",
    ] {
        let problems = problems(&row(outcome), Form::Yaml);
        let [(at, column, message)] = problems.as_slice() else { panic!("{problems:?}") };
        assert!((at.as_str(), column.as_str()) == ("A", "amount") && message.contains("an outcome that refunds"), "{message}");
    }
    for outcome in ["approve-refund-only", "refund-now", "offer-options, options: exchange", "investigate", "human-review", "escalate"] {
        yaml(&row(outcome));
    }
    let paid = |amount: &str| said("R1", "amount", &format!("outcome: compensate\n  form: coupon\n  amount: {amount}"));
    for bounds in ["min ¥50 max ¥3", "max ¥3 min ¥50"] {
        assert!(paid(&format!("10% of derived.left {bounds}")).contains("`min` is at most `max`"));
    }
    for amount in ["1000000000001", "¥10000000000.01", "10% of derived.left max ¥10000000000.01"] {
        assert!(paid(amount).contains("0 to 1000000000000 fen"), "{amount}");
    }
    assert!(paid("10% of derived.left min -5").contains("not negative"));
    yaml("kind: delay\nrows:\n- {id: A, extortion_flag: yes, outcome: compensate, form: coupon, amount: ¥10000000000}\n");
    yaml(
        "kind: delay\nrows:\n- {id: A, extortion_flag: yes, outcome: compensate, form: coupon, amount: 10% of derived.left min ¥3 max ¥3}\n",
    );
}

#[test]
fn what_spreadsheets_write_is_read() {
    let plain = compile("# kind: delay\n# hit: unique\nid,derived.overdue,outcome,source\nA,>= 24h,care-only,手册\n", Form::Csv).unwrap();
    for text in [
        "\u{feff}# kind: delay,,,\r\n# hit: unique,,,\r\nid,derived.overdue,outcome,source\r\nA,>= 24h,care-only,手册\r\n",
        "\u{feff}# kind: delay;;;\r\n# hit: unique;;;\r\nid;derived.overdue;outcome;source\r\nA;>= 24h;care-only;手册\r\n",
        "# kind: delay\t\t\t\n# hit: unique\nid\tderived.overdue\toutcome\tsource\nA\t≥ 24h\tcare-only\t手册\n",
        "\"# kind: delay\",,,\n\"# note: one, two\",,,\n# hit： unique\n\nid,derived.overdue,outcome,source\n,,,\nA,>= 24h,care-only,手册",
        "# kind: delay\r# hit: unique\rid,derived.overdue,outcome,source,,\rA,>= 24h,care-only,手册,,\r",
    ] {
        let read = compile(text, Form::Csv).unwrap_or_else(|problems| panic!("{text:?}: {problems:?}"));
        assert_eq!((read.hit, read.bytes), (plain.hit, plain.bytes.clone()), "{text:?}");
    }
}

#[test]
fn nothing_in_a_spreadsheet_is_passed_over() {
    let said = |text: &str, row: &str, column: &str, message: &str| {
        let found = problems(text, Form::Csv);
        let is = |problem: &(String, String, String)| problem.0 == row && problem.1 == column && problem.2.contains(message);
        assert!(found.iter().any(is), "{text:?}: {found:?}");
    };
    said("# kind: delay\n# hits: unique\nid,outcome\ndefault,none\n", "", "hits", "line 2: there is no such key");
    said("# kind: delay\n# kind: reply\nid,outcome\n", "", "kind", "line 2: stands there twice");
    said("id,outcome\nA,none\n", "", "kind", "the first line is `# kind: delay`");
    said("# kind: delay\nid,when,when,outcome\n", "", "when", "stands there twice");
    said("# kind: delay\nid,outcome,,\nA,none,,x\n", "A", "", "`x` stands below no column name, in column 4");
    said("# kind: delay\nid,outcome\ndefault,none\ndefault,escalate\n", "default", "", "line 4: there is one");
    said("# kind: delay\n\nid,note,outcome\nA,\"one\ntwo\",none\nB,none\n", "", "", "line 6: 2 cells below 3 column names");
    said("# kind: delay\nid,Outcome\nA,none\n", "A", "Outcome", "write `outcome`");
    said("# kind: delay\nid,amout\nA,¥1\n", "A", "amout", "there is no such column (id, when, outcome");
}

#[test]
fn a_cell_that_cannot_be_read_is_told_once() {
    let row = |cells: &str| format!("kind: delay\nrows:\n- {{id: A, episode.kind: shipping, outcome: compensate, {cells}}}\n");
    let columns = |cells: &str| problems(&row(cells), Form::Yaml).into_iter().map(|(_, column, _)| column).collect::<Vec<_>>();
    assert_eq!(columns("form: cupon, amount: 20元"), ["amount", "form"]);
    assert_eq!(columns("form: none, amount: ¥20"), ["form"]);
    assert_eq!(columns("tier: slight"), ["form", "amount"]);
}

#[test]
fn a_table_as_a_whole_is_checked() {
    let whole = |text: &str| problems(text, Form::Yaml).into_iter().map(|(row, column, _)| (row, column)).collect::<Vec<_>>();
    let at = |row: &str, column: &str| (row.to_owned(), column.to_owned());
    assert_eq!(whole("kind: returns\nrows: []\n"), [at("", "kind")]);
    assert_eq!(whole("kind: delay\nhit: any\nrows: []\n"), [at("", "hit")]);
    assert_eq!(whole("kind: delay\nrows: []\n"), [at("", "rows")]);
    assert_eq!(whole("kind: delay\nrow: []\n"), [at("", "row"), at("", "rows")]);
    assert_eq!(whole("kind: delay\nrows:\n- {episode.kind: shipping, outcome: none}\n"), [at("number 1", "id")]);
    assert_eq!(whole("kind: delay\nrows:\n- {id: A, outcome: none}\n"), [at("A", "")]);
    assert_eq!(whole("kind: delay\nrows:\n- {id: A, extortion_flag: yes}\n"), [at("A", "outcome")]);
    let twice = "kind: delay\nrows:\n- {id: A, extortion_flag: yes, outcome: none}\n- {id: A, extortion_flag: no, outcome: none}\n";
    assert_eq!(whole(twice), [at("A", "id")]);
    let default = "kind: delay\nrows:\n- {id: A, extortion_flag: yes, outcome: none}\ndefault: {extortion_flag: no, outcome: none}\n";
    assert_eq!(whole(default), [at("default", "")]);
    assert_eq!(whole(": :"), [at("", "")]);
    let csv = problems("# kind: delay\nid,outcome\nA,none,more\n", Form::Csv);
    assert!(csv.iter().any(|(_, _, message)| message.contains("line 3: 3 cells below 2 column names")), "{csv:?}");
    assert_eq!(whole("kind: delay\nhit: [collect]\nrows: []\n"), [at("", "hit")]);
    assert_eq!(whole("kind: [delay]\nrows: []\n"), [at("", "kind")]);
    assert_eq!(whole("rows: []\n"), [at("", "kind")]);
}

#[test]
fn limits_hold_on_both_sides() {
    let rows = |count: usize| {
        let rows: String = (0..count).map(|at| format!("- {{id: R{at}, derived.overdue: '> {at}h', outcome: care-only}}\n")).collect();
        compile(&format!("kind: delay\nrows:\n{rows}"), Form::Yaml)
    };
    assert!(rows(500).is_ok());
    assert!(rows(501).unwrap_err().iter().any(|problem| problem.message.contains("501 rows are more than 500")));
    // Nor does the policy take more, whoever wrote them.
    let one = yaml("kind: delay\nrows:\n- {id: R, outcome: care-only, extortion_flag: yes}\n").bytes;
    let row = Table::unchecked(&one, Kind::Delay).unwrap().rows[0].row();
    let of = |count: usize| ombud_rows::table::bytes(Kind::Delay, Hit::First, &vec![row.clone(); count], None);
    assert!(Table::unchecked(&of(500), Kind::Delay).is_ok());
    assert!(Table::unchecked(&of(501), Kind::Delay).unwrap_err().0.contains("501 rows are more than 500"));
    let long = |letters: usize| format!("kind: delay\nrows:\n- {{id: {}, extortion_flag: yes, outcome: none}}\n", "a".repeat(letters));
    assert!(compile(&long(64), Form::Yaml).is_ok());
    assert!(compile(&long(65), Form::Yaml).is_err());
    let deep = |depth: usize| format!("kind: delay\nrows:\n- id: A\n  when: '{}extortion_flag'\n  outcome: none\n", "!".repeat(depth));
    // A number of signs is one sign or none; brackets go as deep as the parser.
    assert!(compile(&deep(20), Form::Yaml).is_ok());
    let brackets =
        format!("kind: delay\nrows:\n- id: A\n  when: '{}extortion_flag{}'\n  outcome: none\n", "(".repeat(400), ")".repeat(400));
    assert!(compile(&brackets, Form::Yaml).is_err());
}

#[test]
fn what_unknown_facts_do_is_the_rows_own() {
    let text =
        "kind: after-sale\nrows:\n- {id: A, condition.opened: no, unknown: ask, missing: photo | video, outcome: approve-exchange}\n";
    let row = yaml(text).rows.remove(0);
    assert_eq!((row.unknown, row.missing), (WhenUnknown::Ask, vec!["photo".to_owned(), "video".to_owned()]));
    let without = "kind: after-sale\nrows:\n- {id: A, condition.opened: no, unknown: ask, outcome: approve-exchange}\n";
    assert!(problems(without, Form::Yaml).iter().any(|(_, column, _)| column == "missing"));
}

#[test]
fn the_committed_tables_compile() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let (examples, scaffold) = (root.join("plugins/table/examples"), root.join("host/src/scaffold/table"));
    let mut paths: Vec<_> = std::fs::read_dir(scaffold).unwrap().map(|entry| entry.unwrap().path()).collect();
    for entry in std::fs::read_dir(examples).unwrap() {
        let folder = entry.unwrap().path();
        paths.extend(["table.yaml", "table.csv"].map(|name| folder.join(name)));
    }
    let mut count = 0;
    for path in paths {
        let form = if path.extension().is_some_and(|extension| extension == "csv") { Form::Csv } else { Form::Yaml };
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        if text.contains("kind: ") && !text.contains("cases:") && path.extension().is_some_and(|extension| extension != "txt") {
            compile(&text, form).unwrap_or_else(|problems| panic!("{}: {problems:?}", path.display()));
            count += 1;
        }
    }
    assert_eq!(count, 9);
}
