//! The columns of a row: what they are called, which kind has them, what they mean. Every other column is a fact.

use ombud_rows::program::{Node, Roots, encode};
use ombud_rows::table::ID_BYTES_MAX;
use ombud_rows::{Kind, Type, WhenUnknown};
use ombud_rules::contract::after_sale::{self, Payer, RequestKind};
use ombud_rules::contract::delay::{self, CompForm, Tier};
use ombud_rules::contract::reply::Action;
use ombud_rules::contract::types::{CustomerMeasure, Role, Severity};
use ombud_rules::normalise;

use super::{BuiltRow, amount, cells};
use crate::author::SourceRow;
use crate::{Problem, cel, literal};

/// Codes of what can be done (domain model 4.5).
const ACTIONS: [&str; 36] = [
    "provide-return-address",
    "inspect-on-receipt",
    "refund-after-receipt",
    "refund-now",
    "free-pickup",
    "apology-gift",
    "remote-troubleshoot",
    "arrange-exchange",
    "arrange-repair",
    "arrange-resend",
    "intercept-parcel",
    "chase-carrier",
    "fetch-sign-record",
    "send-pickup-code",
    "extend-window",
    "ask-evidence",
    "decline-extra-compensation",
    "explain-policy-basis",
    "offer-alternative",
    "notify-customer",
    "offer-cancel-full-refund",
    "set-priority-shipping",
    "issue-coupon",
    "pay-cash",
    "pay-solatium",
    "supervisor-call",
    "preserve-evidence",
    "report-to-platform",
    "end-chat-politely",
    "hand-over-supervisor",
    "execute-in-platform",
    "archive-record",
    "schedule-review",
    "notify-customer-of-measure",
    "log-decision",
    "notify-compliance",
];

/// Columns of every kind.
const COMMON: [&str; 10] = ["id", "when", "outcome", "severity", "source", "unknown", "missing", "obligations", "note", "amount"];
const AFTER_SALE: [&str; 3] = ["options", "payer", "alternative"];
const DELAY: [&str; 2] = ["form", "tier"];
const BLACKLIST: [&str; 3] = ["measure", "next-role", "review-days"];
const REPLY: [&str; 2] = ["words", "action"];

/// A row's columns with where problems go.
pub struct Columns<'a> {
    row: &'a SourceRow,
    kind: Kind,
    roots: &'a Roots,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Columns<'a> {
    pub fn new(row: &'a SourceRow, kind: Kind, roots: &'a Roots, problems: &'a mut Vec<Problem>) -> Self {
        Self { row, kind, roots, problems }
    }

    /// Something is wrong in a column.
    pub fn wrong(&mut self, column: &str, message: impl Into<String>) {
        self.problems.push(Problem { row: self.row.name.clone(), column: column.to_owned(), message: message.into() });
    }

    /// The rule id.
    pub fn id(&mut self, default: bool) -> String {
        let id = match self.text("id") {
            None if default => "DEFAULT".to_owned(),
            None => {
                self.wrong("id", "every row has an id: it is the rule that reasons name");
                String::new()
            }
            Some(id) => id,
        };
        let plain = id.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter));
        if id.len() > ID_BYTES_MAX || !plain {
            self.wrong("id", format!("an id has at most {ID_BYTES_MAX} letters, digits, `-`, `_` and `.`"));
        }
        id
    }

    /// The condition: every cell below a fact, and `when`.
    pub fn conditions(&mut self, default: bool) -> Option<Node> {
        let own: &[&str] = match self.kind {
            Kind::AfterSale => &AFTER_SALE,
            Kind::Delay => &DELAY,
            Kind::Blacklist => &BLACKLIST,
            Kind::Reply => &REPLY,
        };
        let mut conditions = Vec::new();
        for (column, cell) in &self.row.cells {
            if COMMON.contains(&column.as_str()) || own.contains(&column.as_str()) {
                continue;
            }
            let condition = match cel::fact(column, self.roots) {
                Ok((path, field)) => cells::condition(cell, &path, field),
                Err(message) => Err(no_column(column, own, &message)),
            };
            match condition {
                Ok(node) => conditions.push(node),
                Err(message) => self.wrong(column, message),
            }
        }
        if let Some(when) = self.text("when") {
            match cel::expression(&when, self.roots) {
                Ok(typed) if typed.ty == Type::Bool => conditions.push(typed.node),
                Ok(typed) => self.wrong("when", format!("a condition is yes or no, this is {}", typed.ty.name())),
                Err(message) => self.wrong("when", message),
            }
        }
        if default && !conditions.is_empty() {
            self.wrong("", "the default row has no condition");
        }
        let words = self.kind == Kind::Reply && self.row.cell("words").is_some();
        if !default && conditions.is_empty() && !words && self.problems.is_empty() {
            self.wrong("", "the row has no condition: what always holds is the `default` row");
        }
        conditions.into_iter().reduce(|all, one| Node::And(Box::new(all), Box::new(one)))
    }

    /// What follows.
    pub fn outcome(&mut self, id: String, default: bool) -> BuiltRow {
        let kind = self.kind;
        let outcome = self.name_of("outcome", |place| kind.outcome(place)).unwrap_or_else(|| {
            if self.row.cell("outcome").is_none() {
                self.wrong("outcome", "every row has an outcome");
            }
            0
        });
        let unknown = match self.text("unknown").as_deref() {
            None | Some("skip") => WhenUnknown::Skip,
            Some("ask") => WhenUnknown::Ask,
            Some("review") => WhenUnknown::Review,
            Some(other) => {
                self.wrong("unknown", format!("`{other}`: skip (the row does not match), ask (for evidence) or review (by a person)"));
                WhenUnknown::Skip
            }
        };
        let built = BuiltRow {
            id,
            when: None,
            program: Vec::new(),
            unknown,
            outcome,
            amount: self.amount(),
            severity: self.name_of("severity", |place| place_of(Severity::ALL, place, Severity::as_str)).unwrap_or(Severity::Medium as u8),
            sources: self.list("source").iter().map(|text| source(text)).collect(),
            reads: Vec::new(),
            missing: self.list("missing"),
            duties: self.duties(),
            options: self.names_of("options", |place| place_of(RequestKind::ALL, place, RequestKind::as_str)),
            payer: self.name_of("payer", |place| place_of(Payer::ALL, place, Payer::as_str)),
            alternative: self.text("alternative"),
            form: self.name_of("form", |place| place_of(CompForm::ALL, place, CompForm::as_str)),
            tier: self.name_of("tier", |place| place_of(Tier::ALL, place, Tier::as_str)),
            measure: self.name_of("measure", |place| place_of(CustomerMeasure::ALL, place, CustomerMeasure::as_str)),
            next_role: self.name_of("next-role", |place| place_of(Role::ALL, place, Role::as_str)),
            review_days: self.count("review-days", 1..=365),
            words: self.words(),
            action: self.name_of("action", |place| place_of(Action::ALL, place, Action::as_str)),
        };
        self.complete(&built, default);
        built
    }

    /// An amount stands only where the outcome pays something.
    fn amount_is_paid(&mut self, row: &BuiltRow) {
        use after_sale::Outcome as Remedy;
        use delay::Outcome as Award;
        const REMEDIES: [Remedy; 8] = [
            Remedy::ApproveExchange,
            Remedy::ApproveRepair,
            Remedy::ApproveResend,
            Remedy::NeedEvidence,
            Remedy::RejectWithAlternative,
            Remedy::Reject,
            Remedy::RejectDuplicate,
            Remedy::InvalidInput,
        ];
        const AWARDS: [Award; 3] = [Award::None, Award::CareOnly, Award::HumanReview];
        let (name, allowed) = match self.kind {
            Kind::Delay => (
                AWARDS.iter().find(|outcome| **outcome as u8 == row.outcome).map(|outcome| outcome.as_str()),
                "compensate, compensate-with-approval or escalate",
            ),
            Kind::AfterSale => (
                REMEDIES.iter().find(|outcome| **outcome as u8 == row.outcome).map(|outcome| outcome.as_str()),
                "an outcome that refunds, offer-options, investigate, human-review or escalate",
            ),
            Kind::Blacklist | Kind::Reply => (None, ""),
        };
        let outcome_is_read = self.row.cell("outcome").is_some_and(|cell| Some(cell.text().as_str()) == name);
        if let Some(name) = name.filter(|_| outcome_is_read && self.row.cell("amount").is_some()) {
            self.wrong("amount", format!("`{name}` pays nothing: an amount stands beside {allowed}"));
        }
    }

    /// What a kind asks of a row beside what each column asks.
    fn complete(&mut self, row: &BuiltRow, default: bool) {
        self.amount_is_paid(row);
        match self.kind {
            Kind::Delay => {
                let pays = [delay::Outcome::Compensate, delay::Outcome::CompensateWithApproval]
                    .iter()
                    .any(|outcome| *outcome as u8 == row.outcome);
                // A cell that cannot be read is told already.
                let left_out = |column: &str| self.row.cell(column).is_none();
                let (no_form, no_amount) = (left_out("form") || row.form == Some(CompForm::None as u8), left_out("amount"));
                if pays && no_form {
                    self.wrong("form", "an award has a form: coupon, sample-gift, cash-refund or solatium");
                }
                if pays && no_amount {
                    self.wrong("amount", "an award has an amount, such as `¥20` or `10% of derived.left`");
                }
            }
            Kind::AfterSale => {
                if row.outcome == after_sale::Outcome::OfferOptions as u8 && row.options.is_empty() {
                    self.wrong("options", "options to choose from, such as `exchange | return-refund`");
                }
                let asks = row.outcome == after_sale::Outcome::NeedEvidence as u8 || row.unknown == WhenUnknown::Ask;
                if asks && row.missing.is_empty() {
                    self.wrong("missing", "what is to be produced, such as `photo`");
                }
            }
            Kind::Blacklist => {
                if row.unknown == WhenUnknown::Ask && row.missing.is_empty() {
                    self.wrong("missing", "what is to be produced, such as `chat-log`");
                }
            }
            Kind::Reply => {
                if row.amount.is_some() {
                    self.wrong("amount", "a reply pays nothing");
                }
            }
        }
        if self.kind == Kind::Blacklist && row.amount.is_some() {
            self.wrong("amount", "a measure pays nothing");
        }
        if default && row.unknown != WhenUnknown::Skip {
            self.wrong("unknown", "the default row reads no fact");
        }
    }

    /// Fen (`2000`), yuan (`¥20`), a share (`10% of derived.left`, with `min ¥3` and `max ¥50`), or CEL.
    fn amount(&mut self) -> Option<Vec<u8>> {
        let text = self.text("amount")?;
        let node = amount::amount(&text, self.roots);
        match node.and_then(|node| encode(&node).ok_or_else(|| "the expression is too long".to_owned())) {
            Ok(program) => Some(program),
            Err(message) => {
                self.wrong("amount", message);
                None
            }
        }
    }

    /// `action`, `action by role`, `action by role in 24h`.
    fn duties(&mut self) -> Vec<(String, u8, Option<u32>)> {
        let mut duties = Vec::new();
        for text in self.list("obligations") {
            match duty(&text) {
                Ok(duty) => duties.push(duty),
                Err(message) => self.wrong("obligations", message),
            }
        }
        duties
    }

    /// Words as they would stand on the view that undoes evasion.
    fn words(&mut self) -> Vec<String> {
        let mut words = Vec::new();
        for text in self.list("words") {
            let word: String = normalise::term(&text).into_iter().collect();
            if word.is_empty() {
                self.wrong("words", format!("nothing is left of `{text}` once spaces, emoji and filler are dropped"));
            } else {
                words.push(word);
            }
        }
        words
    }

    fn text(&self, column: &str) -> Option<String> {
        self.row.cell(column).map(crate::author::Cell::text)
    }

    fn list(&self, column: &str) -> Vec<String> {
        self.row.cell(column).map(crate::author::Cell::texts).unwrap_or_default()
    }

    fn count(&mut self, column: &str, bounds: core::ops::RangeInclusive<u32>) -> Option<u32> {
        let text = self.text(column)?;
        match text.parse::<u32>() {
            Ok(count) if bounds.contains(&count) => Some(count),
            _ => {
                self.wrong(column, format!("`{text}` is no number from {} to {}", bounds.start(), bounds.end()));
                None
            }
        }
    }

    /// The place of the name in a column.
    fn name_of(&mut self, column: &str, name: impl Fn(u8) -> Option<&'static str>) -> Option<u8> {
        let text = self.text(column)?;
        self.place(column, &text, name)
    }

    fn names_of(&mut self, column: &str, name: impl Fn(u8) -> Option<&'static str>) -> Vec<u8> {
        let texts = self.list(column);
        texts.iter().filter_map(|text| self.place(column, text, &name)).collect()
    }

    fn place(&mut self, column: &str, text: &str, name: impl Fn(u8) -> Option<&'static str>) -> Option<u8> {
        let found = (0..=u8::MAX).map_while(|place| name(place).map(|name| (place, name))).find(|(_, name)| *name == text);
        if found.is_none() {
            let names: Vec<&str> = (0..=u8::MAX).map_while(&name).collect();
            self.wrong(column, format!("`{text}` is none of {}", names.join(", ")));
        }
        found.map(|(place, _)| place)
    }
}

fn place_of<T: Copy>(all: &[T], place: u8, name: fn(T) -> &'static str) -> Option<&'static str> {
    all.get(usize::from(place)).map(|case| name(*case))
}

/// `网络交易管理办法, 第16条`: source and locator.
fn source(text: &str) -> (String, String) {
    let (source, locator) = text.split_once([',', '，']).unwrap_or((text, ""));
    (source.trim().to_owned(), locator.trim().to_owned())
}

fn duty(text: &str) -> Result<(String, u8, Option<u32>), String> {
    let wrong = || format!("`{text}`: write `action`, `action by role` or `action by role in 24h`");
    let (rest, due) = match text.split_once(" in ") {
        Some((rest, due)) => (rest, Some(literal::duration(due.trim())?)),
        None => (text, None),
    };
    let (action, role) = rest.split_once(" by ").unwrap_or((rest, "agent"));
    let action = action.trim();
    if !ACTIONS.contains(&action) {
        return Err(format!("`{action}` is nothing that can be done: {}", ACTIONS.join(", ")));
    }
    let role = Role::parse(role.trim()).ok_or_else(|| format!("`{}` is no role", role.trim()))?;
    let due_h = due.map(|millis| u32::try_from(millis / 3_600_000).map_err(|_| wrong())).transpose()?;
    Ok((action.to_owned(), role as u8, due_h))
}

/// What a column is that is neither one of a table's own nor a fact.
fn no_column(column: &str, own: &[&str], message: &str) -> String {
    if column.contains('.') {
        return message.to_owned();
    }
    let spelt = column.replace([' ', '_'], "-");
    let known: Vec<&str> = COMMON.iter().chain(own).copied().collect();
    match known.iter().find(|known| known.eq_ignore_ascii_case(&spelt)) {
        Some(meant) => format!("there is no such column: write `{meant}`"),
        None => format!("there is no such column ({}), and as a fact: {message}", known.join(", ")),
    }
}
