//! What a ruling's messages say, in Chinese and English: one table of templates (domain model 4.6), filled with the message's arguments.
//!
//! A policy names a template and its arguments and never writes text itself, so that every wording stands in one place, is
//! translated, and passes the reply check.

mod advice;
mod templates;
#[cfg(test)]
mod tests;
mod words;

use ombud_rules::contract::types::Message;

pub(crate) use templates::EXPLANATION;
pub use templates::{TEMPLATES, Template};

/// Languages that every template has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locale {
    ZhCn,
    En,
}

impl Locale {
    pub const ALL: [Self; 2] = [Self::ZhCn, Self::En];

    /// The tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::ZhCn => "zh-CN",
            Self::En => "en",
        }
    }

    /// The locale of a tag; `zh` and `en` stand for theirs.
    pub fn parse(tag: &str) -> Option<Self> {
        match tag {
            "zh-CN" | "zh" => Some(Self::ZhCn),
            "en" => Some(Self::En),
            _ => None,
        }
    }
}

/// Why a message has no text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    #[error("no template `{0}`")]
    UnknownKey(String),
    #[error("no locale `{0}`")]
    UnknownLocale(String),
    #[error("message `{key}` lacks the argument `{arg}`")]
    MissingArg { key: String, arg: String },
    #[error("the template of message `{key}` has no argument `{arg}`")]
    UnknownArg { key: String, arg: String },
}

/// The text of a message in a locale; none where [`write()`] says why not.
pub fn render(message: &Message, locale: &str) -> Option<String> {
    write(message, locale).ok()
}

/// The text of a message in a locale. Key, arguments and locale must all be known: a text with a gap is never sent.
pub fn write(message: &Message, locale: &str) -> Result<String, MessageError> {
    let locale = Locale::parse(locale).ok_or_else(|| MessageError::UnknownLocale(locale.to_owned()))?;
    let unknown_key = || MessageError::UnknownKey(message.key.clone());
    let template = Template::of(&message.key).ok_or_else(unknown_key)?;
    let text = template.text(locale);
    if let Some(arg) = message.args.iter().find(|arg| !places(text).any(|place| place == arg.key)) {
        return Err(MessageError::UnknownArg { key: message.key.clone(), arg: arg.key.clone() });
    }
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some((before, from_place)) = rest.split_once('{') {
        let Some((place, after)) = from_place.split_once('}') else { break };
        out.push_str(before);
        out.push_str(&value(message, place, locale)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// The names of a template's arguments.
fn places(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(place, _)| place)
}

fn value(message: &Message, place: &str, locale: Locale) -> Result<String, MessageError> {
    if let Some(arg) = message.args.iter().find(|arg| arg.key == place) {
        return Ok(match locale {
            Locale::ZhCn => arg.value.clone(),
            Locale::En => words::in_english(&arg.value),
        });
    }
    // The advice of a rule stands in a table of its own, so that a finding need not carry it in every language.
    let advice = message.key.strip_prefix(templates::ADVICE).filter(|_| place == "suggestion").and_then(advice::of);
    let text = advice.map(|advice| advice.text(locale).to_owned());
    text.ok_or_else(|| MessageError::MissingArg { key: message.key.clone(), arg: place.to_owned() })
}
