//! The merchant's parameters (domain policies 5.0, reply). They can add to the lexicon and name products; they can make a rule
//! stricter, never laxer.

use ombud_sdk::reply::Action;
use ombud_sdk::rules::lexicon::{ExtraTerm, Phrase, RULES, Rule, Terms, WordRule};
use ombud_sdk::{Bounds, Reader, Setting};
use serde_json::{Value, json};

ombud_sdk::settings! {
    /// Parameters of the default reply policy: the merchant's own words beside the platform's lexicon.
    pub struct Settings {
        /// Words added to a rule of the lexicon, each with what a finding of it asks for.
        pub extra_terms: Vec<ExtraWord> = Vec::new(), 0..=500, "terms";
        /// Trademarks and product names: a guide's word inside one is no finding (EX-NAME). Words of the law, words of the training
        /// material, patterns and personal data are never lifted.
        pub allow_terms: Vec<Name> = Vec::new(), 0..=200, "terms";
        /// Rules whose findings ask for more than the lexicon says.
        pub severity_overrides: Vec<SeverityOverride> = Vec::new(), 0..=200, "rules";
    }
}

ombud_sdk::settings! {
    /// A word of the merchant.
    pub object ExtraWord {
        /// The word. It is found as the lexicon's words are: across spaces and emoji, in full-width and Traditional forms.
        pub term: Name;
        /// The rule it joins, with the rule's exemptions and facts.
        pub rule: RuleOfWords;
        /// What a finding asks for.
        pub action: TermAction;
    }
}

ombud_sdk::settings! {
    /// A rule made stricter.
    pub object SeverityOverride {
        /// The rule.
        pub rule: AnyRule;
        /// What each of its findings asks for at least; not less than the lexicon does.
        pub action: RaisedAction;
    }
    check = only_raises;
}

ombud_sdk::settings! {
    /// What a merchant's word may ask for.
    pub enum TermAction {
        /// The agent is warned.
        Warn = "warn",
        /// The reply is held until a person has seen the evidence.
        Evidence = "evidence",
        /// The reply is not sent.
        Stop = "stop",
    }
}

ombud_sdk::settings! {
    /// The actions, weakest first.
    pub enum RaisedAction {
        /// The agent is warned.
        Warn = "warn",
        /// The masked text is sent.
        Mask = "mask",
        /// The reply is held until a person has seen the evidence.
        Evidence = "evidence",
        /// The reply is not sent.
        Stop = "stop",
    }
}

impl TermAction {
    fn action(self) -> Action {
        match self {
            Self::Warn => Action::Warn,
            Self::Evidence => Action::Evidence,
            Self::Stop => Action::Stop,
        }
    }
}

impl RaisedAction {
    fn action(self) -> Action {
        match self {
            Self::Warn => Action::Warn,
            Self::Mask => Action::Mask,
            Self::Evidence => Action::Evidence,
            Self::Stop => Action::Stop,
        }
    }
}

impl Settings {
    /// The merchant's words and names, as the lexicon takes them.
    pub fn terms(&self) -> Terms {
        let extra = |word: &ExtraWord| ExtraTerm { phrase: word.term.0.clone(), rule: word.rule.0, action: word.action.action() };
        Terms::new(self.extra_terms.iter().map(extra).collect(), self.allow_terms.iter().map(|name| name.0.clone()).collect())
    }

    /// What a finding of this rule asks for after the merchant's overrides. An exempt or refuted finding asks for nothing either way.
    pub fn raised(&self, rule: &Rule, action: Action) -> Action {
        let overrides = self.severity_overrides.iter().filter(|raised| action != Action::None && raised.rule.0.id == rule.id);
        overrides.map(|raised| raised.action.action()).fold(action, Action::max)
    }
}

fn only_raises(raised: &SeverityOverride, reader: &mut Reader) {
    let own = raised.rule.0.action;
    if raised.action.action() < own {
        reader.refuse_at("action", &format!("must not be below `{own}`, which the lexicon asks for"));
    }
}

/// A text of 1 to 64 characters of which something is left when spaces, emoji and filler are dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(Phrase);

impl Name {
    const CHARACTERS: Bounds = Some((1, 64));
}

impl Setting for Name {
    fn read(value: &Value, _bounds: Bounds, reader: &mut Reader) -> Option<Self> {
        let text = String::read(value, Self::CHARACTERS, reader)?;
        let phrase = Phrase::new(&text);
        if phrase.is_none() {
            reader.refuse("has nothing but spaces, emoji or filler, which the check drops");
        }
        phrase.map(Self)
    }

    fn schema(_bounds: Bounds) -> Value {
        String::schema(Self::CHARACTERS)
    }

    fn to_json(&self) -> Value {
        self.0.text().into()
    }
}

/// A rule of the lexicon that reads words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleOfWords(WordRule);

impl Setting for RuleOfWords {
    fn read(value: &Value, _bounds: Bounds, reader: &mut Reader) -> Option<Self> {
        let rule = value.as_str().and_then(WordRule::new);
        if rule.is_none() {
            reader.refuse("must be the id of a rule that reads words, such as `RC-101`");
        }
        rule.map(Self)
    }

    fn schema(_bounds: Bounds) -> Value {
        json!({"enum": RULES.iter().filter_map(|rule| WordRule::new(rule.id)).map(WordRule::id).collect::<Vec<_>>()})
    }

    fn to_json(&self) -> Value {
        self.0.id().into()
    }
}

/// A rule of the lexicon.
#[derive(Clone, Copy)]
pub struct AnyRule(&'static Rule);

impl PartialEq for AnyRule {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for AnyRule {}

impl std::fmt::Debug for AnyRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.id)
    }
}

impl Setting for AnyRule {
    fn read(value: &Value, _bounds: Bounds, reader: &mut Reader) -> Option<Self> {
        let rule = value.as_str().and_then(|id| RULES.iter().find(|rule| rule.id == id));
        if rule.is_none() {
            reader.refuse("must be the id of a rule of the lexicon, such as `RC-101`");
        }
        rule.map(Self)
    }

    fn schema(_bounds: Bounds) -> Value {
        json!({"enum": RULES.iter().map(|rule| rule.id).collect::<Vec<_>>()})
    }

    fn to_json(&self) -> Value {
        self.0.id.into()
    }
}
