//! The facts of a snapshot by the objects that they are read from. Copies share what is the same in both, in chunks of
//! objects that were made at about the same time, so that copying and comparing cost what differs.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Fact;

/// Which facts are read together: those of one object from one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) class: u32,
    pub(super) object: u32,
    pub(super) source: usize,
}

type Chunk = BTreeMap<Key, Arc<[Fact]>>;

/// Facts by key.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    chunks: BTreeMap<u32, Arc<Chunk>>,
    len: usize,
}

/// Which chunk an object is in: so many neighbouring oids share one.
fn chunk(object: u32) -> u32 {
    object / 128
}

impl Groups {
    /// How many groups there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// All facts, in no particular order.
    pub(super) fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.chunks.values().flat_map(|chunk| chunk.values()).flat_map(|group| group.iter())
    }

    /// Puts one group in.
    pub(super) fn insert(&mut self, key: Key, facts: Arc<[Fact]>) {
        let chunk = Arc::make_mut(self.chunks.entry(chunk(key.object)).or_default());
        self.len += usize::from(chunk.insert(key, facts).is_none());
    }

    /// Takes all groups of one object out.
    pub(super) fn remove(&mut self, class: u32, object: u32) {
        let Some(shared) = self.chunks.get_mut(&chunk(object)) else { return };
        let key = |source| Key { class, object, source };
        let keys: Vec<Key> = shared.range(key(0)..=key(usize::MAX)).map(|(key, _)| *key).collect();
        if keys.is_empty() {
            return;
        }
        let own = Arc::make_mut(shared);
        for key in keys {
            self.len -= usize::from(own.remove(&key).is_some());
        }
        if own.is_empty() {
            self.chunks.remove(&chunk(object));
        }
    }

    /// The facts of groups that the other side does not have, or has as a copy of its own.
    pub(super) fn unshared<'a>(&'a self, other: &Self) -> Vec<&'a Fact> {
        let mut facts = Vec::new();
        for (at, chunk) in &self.chunks {
            let theirs = other.chunks.get(at);
            if theirs.is_some_and(|theirs| Arc::ptr_eq(chunk, theirs)) {
                continue;
            }
            for (key, group) in chunk.iter() {
                let same = theirs.and_then(|theirs| theirs.get(key));
                if same.is_none_or(|same| !Arc::ptr_eq(group, same)) {
                    facts.extend(group.iter());
                }
            }
        }
        facts
    }
}
