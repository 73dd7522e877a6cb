//! Whether a machine is slow for everybody, told from everybody who was asked on it lately. A call meets its deadline by the clock: because the
//! version takes so long, or because the machine does. Of a slow machine others know as well, whoever they work for: other versions,
//! and the guardrails, which are asked beside them.

use std::collections::HashMap;

/// Who is remembered at the same time; who comes when all were heard within two minutes is not.
const WITNESSES_MAX: usize = 1_024;
/// Milliseconds of a minute.
const MINUTE_MS: u64 = 60_000;

/// Everybody who was asked lately, with how often in vain.
#[derive(Clone, Debug, Default)]
pub struct Lateness {
    witnesses: HashMap<u64, Witness>,
    /// The minute in which those who were not heard any more made room.
    cleared: u64,
}

/// One who is asked: a version of a kind, or a guardrail.
#[derive(Clone, Copy, Debug, Default)]
struct Witness {
    /// The latest minute in which it was heard.
    minute: u64,
    /// In that minute, and in the one before.
    calls: [Calls; 2],
    /// Whether it ever was in time: who never is says nothing of the machine.
    was_in_time: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Calls {
    all: u32,
    late: u32,
}

impl Lateness {
    /// Takes in that somebody was asked at a moment, by any digest of who it is.
    pub fn hear(&mut self, who: u64, at_ms: u64, is_late: bool) {
        let minute = at_ms / MINUTE_MS;
        if self.witnesses.len() >= WITNESSES_MAX && self.cleared != minute {
            self.cleared = minute;
            self.witnesses.retain(|_, own| own.share(minute).is_some());
        }
        if self.witnesses.len() >= WITNESSES_MAX && !self.witnesses.contains_key(&who) {
            return;
        }
        let own = self.witnesses.entry(who).or_default();
        own.calls = own.calls_at(minute);
        own.minute = minute;
        own.calls[0].all = own.calls[0].all.saturating_add(1);
        own.calls[0].late = own.calls[0].late.saturating_add(u32::from(is_late));
        own.was_in_time |= !is_late;
    }

    /// Whether the machine is to blame for somebody's lateness of the last minute or two: the others, each counting alike, are late at least
    /// half as often. Where nobody else was heard, it is not.
    pub fn is_everybodys(&self, who: u64, now_ms: u64) -> bool {
        let minute = now_ms / MINUTE_MS;
        let own = self.witnesses.get(&who).and_then(|own| own.share(minute)).filter(|share| *share > 0.0).unwrap_or(1.0);
        let others = self.witnesses.iter().filter(|(other, own)| **other != who && own.was_in_time);
        let (sum, count) =
            others.filter_map(|(_, other)| other.share(minute)).fold((0.0, 0_u32), |(sum, count), share| (sum + share, count + 1));
        count > 0 && sum / f64::from(count) >= own / 2.0
    }
}

impl Witness {
    /// The calls of a minute and of the one before it.
    fn calls_at(&self, minute: u64) -> [Calls; 2] {
        match minute.saturating_sub(self.minute) {
            0 => self.calls,
            1 => [Calls::default(), self.calls[0]],
            _ => <[Calls; 2]>::default(),
        }
    }

    /// How many of its calls were late; none where it was not asked.
    fn share(&self, minute: u64) -> Option<f64> {
        let calls = self.calls_at(minute);
        let [all, late] = calls.iter().fold([0, 0], |[all, late], own| [all + own.all, late + own.late]);
        (all > 0).then(|| f64::from(late) / f64::from(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who was late how often, and in time how often, within the minute.
    type Asked = (u64, u32, u32);

    fn heard(all: &[Asked]) -> Lateness {
        let mut lateness = Lateness::default();
        for (who, late, in_time) in all {
            (0..*in_time).for_each(|_| lateness.hear(*who, 1_000, false));
            (0..*late).for_each(|_| lateness.hear(*who, 2_000, true));
        }
        lateness
    }

    #[test]
    fn a_machine_is_slow_where_others_are_late_as_well() {
        let cases: &[(&str, &[Asked], bool)] = &[
            ("nobody else was asked", &[(1, 10, 0)], false),
            ("the other is in time", &[(1, 10, 0), (2, 0, 10)], false),
            ("the other is late as often", &[(1, 5, 5), (2, 5, 5)], true),
            ("half as often", &[(1, 10, 10), (2, 5, 15)], true),
            ("less than half as often", &[(1, 10, 10), (2, 4, 16)], false),
            ("the other is always late, whatever the machine", &[(1, 10, 0), (2, 10, 0)], false),
            ("one that is busy and late among three", &[(1, 10, 0), (2, 900, 1), (3, 0, 5), (4, 0, 1)], false),
            ("most are late", &[(1, 10, 0), (2, 9, 1), (3, 9, 1), (4, 0, 9)], true),
        ];
        for (name, all, everybodys) in cases {
            assert_eq!(heard(all).is_everybodys(1, 3_000), *everybodys, "{name}");
        }
    }

    #[test]
    fn what_was_said_two_minutes_ago_counts_no_more() {
        let lateness = heard(&[(1, 10, 0), (2, 9, 1)]);
        assert!(lateness.is_everybodys(1, 2 * MINUTE_MS - 1));
        assert!(!lateness.is_everybodys(1, 2 * MINUTE_MS), "nobody was heard since");
        let mut later = lateness;
        later.hear(2, 2 * MINUTE_MS, true);
        assert!(later.is_everybodys(1, 2 * MINUTE_MS), "it was in time once, and is not now");
    }

    #[test]
    fn any_number_is_heard() {
        let mut lateness = Lateness::default();
        for who in 0..10_000 {
            lateness.hear(who, u64::MAX - who, who % 2 == 0);
            lateness.hear(u64::MAX - who, who, true);
        }
        assert_eq!(lateness.witnesses.len(), WITNESSES_MAX);
        _ = lateness.is_everybodys(3, u64::MAX / 2);
    }
}
