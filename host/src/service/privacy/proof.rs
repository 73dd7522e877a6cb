//! What was erased, held against the acts that erased it: whoever destroys a key by hand leaves records that no act accounts for.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ombud_ledger::{Entry, Header};

use crate::service::acts::{ActBody, BLACKLIST_STEP, HOLD_LIFTED, HOLD_SET, OVERRIDE, What};

/// How an act that erases is named in headers.
const ERASURES: [&str; 2] = ["erasure", "retention.applied"];

/// Acts that are sealed under a customer's key, or a ticket's. All others are under the merchant's own, which nothing destroys.
const ERASABLE: [&str; 4] = [OVERRIDE, BLACKLIST_STEP, HOLD_SET, HOLD_LIFTED];

/// What is said of the others where nobody can open them.
pub(crate) const ACT_LOST: &str =
    "its act can be opened by nobody, and is of those that no erasure closes: they are sealed under the merchant's own key";

/// Bytes of what stands for a customer in an act, at most; it has far fewer.
const MARK_BYTES_MAX: usize = 256;

/// An act that erased.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Erased {
    /// What stands for the customer; none of retention, which names nobody.
    mark: Option<String>,
    customers: u64,
    keys: u64,
    records: u64,
}

/// The acts of a log that erased, and its records that nobody can open.
#[derive(Clone, Debug, Default)]
pub(crate) struct ErasureProof {
    acts: BTreeMap<u64, Erased>,
    /// Places of acts that erased, whether they could be read or not.
    named: BTreeSet<u64>,
    /// Those that nobody can open, with their tickets where these are known.
    records: BTreeMap<u64, Option<String>>,
    /// Acts among them that no erasure closes.
    acts_lost: BTreeSet<u64>,
}

impl ErasureProof {
    /// Takes a record that was opened, or whose bodies were left out: an act that erased counts.
    pub(crate) fn opened(&mut self, header: &Header, body: Option<&str>) {
        let Entry::Act(act) = &header.entry else { return };
        if !ERASURES.contains(&act.act.as_str()) {
            return;
        }
        self.named.insert(header.seq);
        let body = body.and_then(|body| serde_json::from_str::<ActBody>(body).ok());
        let erased = match body.map(|body| body.what) {
            Some(What::Erasure { mark, records, keys, .. }) if mark.len() <= MARK_BYTES_MAX => {
                Erased { mark: Some(mark), customers: 1, keys, records }
            }
            Some(What::RetentionApplied { customers, keys, records, .. }) => Erased { mark: None, customers, keys, records },
            _ => return,
        };
        self.acts.insert(header.seq, erased);
    }

    /// Takes a record that nobody can open.
    pub(crate) fn erased(&mut self, header: &Header, ticket: Option<&str>) {
        if matches!(&header.entry, Entry::Act(act) if !ERASABLE.contains(&act.act.as_str())) {
            self.acts_lost.insert(header.seq);
        }
        self.records.insert(header.seq, ticket.map(str::to_owned));
    }

    /// Adds what another thread found.
    pub(crate) fn merge(&mut self, other: Self) {
        self.acts.extend(other.acts);
        self.named.extend(other.named);
        self.records.extend(other.records);
        self.acts_lost.extend(other.acts_lost);
    }

    /// Whether anything was erased.
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.named.is_empty()
    }

    /// Acts that nobody can open, although they were sealed under the merchant's own key.
    pub(crate) fn acts_lost(&self) -> impl Iterator<Item = u64> {
        self.acts_lost.iter().copied()
    }

    /// Records that nobody can open and after which nothing was erased.
    pub(crate) fn unaccounted(&self) -> impl Iterator<Item = u64> {
        let behind = self.named.last().copied().unwrap_or(0);
        self.records.range(behind..).map(|(seq, _)| *seq)
    }

    /// Whether the acts can be read, and no key of a ticket was destroyed whose records cannot be told from others.
    pub(crate) fn counts(&self) -> bool {
        self.named.len() == self.acts.len() && (self.ticket_keys() == 0 || self.records.values().all(Option::is_some))
    }

    /// Keys of tickets among those that were destroyed, at most.
    fn ticket_keys(&self) -> u64 {
        let (mut known, mut nameless, mut keys) = (BTreeSet::new(), 0_u64, 0_u64);
        for act in self.acts.values() {
            // Whoever is erased again has no key any more.
            let first = act.mark.as_ref().is_none_or(|mark| known.insert(mark) && nameless == 0);
            nameless = if act.mark.is_none() { nameless.saturating_add(act.customers) } else { nameless };
            keys = keys.saturating_add(if first { act.keys.saturating_sub(act.customers) } else { act.keys });
        }
        keys
    }

    /// Why there are more records that nobody can open than the acts account for; none where there are not, or where it cannot
    /// be told. An act says how many records listed the customer; those of a ticket whose key was destroyed may come to that.
    pub(crate) fn too_many(&self) -> Option<String> {
        if !self.counts() {
            return None;
        }
        let ticket_keys = self.ticket_keys();
        let mut accounted = self.acts.values().fold(0, |sum: u64, act| sum.saturating_add(act.records));
        let mut tickets: HashMap<&str, u64> = HashMap::new();
        for ticket in self.records.values().flatten() {
            *tickets.entry(ticket).or_default() += 1;
        }
        let mut of_tickets: Vec<u64> = tickets.into_values().collect();
        of_tickets.sort_unstable_by(|one, other| other.cmp(one));
        let most = usize::try_from(ticket_keys).unwrap_or(usize::MAX);
        accounted = accounted.saturating_add(of_tickets.into_iter().take(most).sum::<u64>());
        let found = self.records.len() as u64;
        (found > accounted).then(|| {
            format!("{found} records can be opened by nobody, and the acts that erased account for {accounted}: a key was lost or destroyed by hand")
        })
    }

    /// Marks of erased customers that no act has, of those that are there; and those of acts that are not there.
    pub(crate) fn marks(&self, there: &BTreeSet<String>) -> (Vec<String>, Vec<String>) {
        let said: BTreeSet<&String> = self.acts.values().filter_map(|act| act.mark.as_ref()).collect();
        let nameless = self.acts.values().filter(|act| act.mark.is_none()).fold(0, |sum: u64, act| sum.saturating_add(act.customers));
        let unsaid: Vec<String> = there.iter().filter(|mark| !said.contains(mark)).cloned().collect();
        let missing = said.into_iter().filter(|mark| !there.contains(*mark)).cloned().collect();
        (if unsaid.len() as u64 > nameless { unsaid } else { Vec::new() }, missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(acts: &[(u64, Option<&str>, u64, u64)], records: &[(u64, Option<&str>)]) -> ErasureProof {
        let acts = acts.iter().map(|(seq, mark, keys, records)| {
            (*seq, Erased { mark: mark.map(str::to_owned), customers: 1, keys: *keys, records: *records })
        });
        let acts: BTreeMap<_, _> = acts.collect();
        let records = records.iter().map(|(seq, ticket)| (*seq, ticket.map(str::to_owned))).collect();
        ErasureProof { named: acts.keys().copied().collect(), acts, records, ..ErasureProof::default() }
    }

    #[test]
    fn an_act_accounts_for_as_many_records_as_it_says_and_for_those_before_it() {
        let one = with(&[(9, Some("erased:a"), 1, 2)], &[(1, Some("t")), (2, Some("t"))]);
        assert_eq!((one.too_many(), one.unaccounted().count()), (None, 0));
        let more = with(&[(9, Some("erased:a"), 1, 2)], &[(1, Some("t")), (2, Some("t")), (3, Some("u"))]);
        assert!(more.too_many().unwrap().starts_with("3 records can be opened by nobody"));
        let later = with(&[(9, Some("erased:a"), 1, 2)], &[(1, Some("t")), (10, Some("t"))]);
        assert_eq!(later.unaccounted().collect::<Vec<_>>(), [10]);
    }

    #[test]
    fn no_erasure_closes_an_act_but_those_about_a_customer() {
        let act = |seq: u64, act: &str| Header {
            merchant: ombud_core::ids::MerchantId::new("m").unwrap(),
            seq,
            entry: Entry::Act(ombud_ledger::ActEntry { id: [0; 16], act: act.to_owned(), actor: "a".to_owned() }),
            received_at_ms: 0,
            trace_id: None,
            detached: None,
        };
        let mut own = ErasureProof::default();
        for (seq, name) in
            ["merchant.created", OVERRIDE, "erasure", HOLD_SET, HOLD_LIFTED, BLACKLIST_STEP, "decision.unheard-of"].iter().enumerate()
        {
            own.erased(&act(seq as u64, name), None);
        }
        let mut all = with(&[(9, Some("erased:a"), 1, 7)], &[]);
        all.merge(own);
        assert_eq!(all.acts_lost().collect::<Vec<_>>(), [0, 2, 6]);
    }

    #[test]
    fn a_ticket_that_lost_its_key_accounts_for_its_records() {
        let records = [(1, Some("t")), (2, Some("t")), (3, Some("t")), (4, Some("u"))];
        assert_eq!(with(&[(9, Some("erased:a"), 2, 1)], &records).too_many(), None);
        assert!(with(&[(9, Some("erased:a"), 1, 1)], &records).too_many().is_some());
        // Who is erased again has no key of a customer's any more.
        let again = [(8, Some("erased:a"), 1, 1), (9, Some("erased:a"), 1, 0)];
        assert_eq!(with(&again, &records).too_many(), None);
        let unknown = [(1, None), (2, None), (3, None)];
        assert_eq!(with(&[(9, Some("erased:a"), 2, 1)], &unknown).too_many(), None, "it cannot be told");
        assert!(with(&[(9, Some("erased:a"), 1, 1)], &unknown).too_many().is_some());
    }

    #[test]
    fn acts_may_say_what_they_like() {
        let most = [(8, Some("erased:a"), u64::MAX, u64::MAX), (9, Some("erased:b"), u64::MAX, u64::MAX), (10, None, u64::MAX, u64::MAX)];
        let all = with(&most, &[(1, Some("t")), (2, Some("u"))]);
        assert_eq!((all.too_many(), all.unaccounted().count()), (None, 0));
        assert_eq!(all.marks(&BTreeSet::new()).1.len(), 2);
    }

    #[test]
    fn marks_are_of_acts() {
        let there = |marks: &[&str]| marks.iter().map(|mark| (*mark).to_owned()).collect::<BTreeSet<_>>();
        let one = with(&[(9, Some("erased:a"), 1, 1)], &[]);
        assert_eq!(one.marks(&there(&["erased:a"])), (vec![], vec![]));
        assert_eq!(one.marks(&there(&["erased:b"])), (vec!["erased:b".to_owned()], vec!["erased:a".to_owned()]));
        let retained = with(&[(9, None, 1, 1)], &[]);
        assert_eq!(retained.marks(&there(&["erased:b"])), (vec![], vec![]));
        assert_eq!(retained.marks(&there(&["erased:b", "erased:c"])).0.len(), 2);
    }
}
