//! How a migrator behaves: policies and times, with defaults that are safe for production.

use std::time::Duration;

/// What to do when the database holds migrations that this program does not know and that are newer than its own: a newer
/// program has migrated it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DatabaseAhead {
    /// Stop with [`Error::DatabaseAhead`](crate::Error::DatabaseAhead).
    #[default]
    Refuse,
    /// Leave them alone and go on: for programs that were rolled back and can work with the newer schema.
    Allow,
}

/// What to do with a migration that is not applied although a newer one is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutOfOrder {
    /// Stop with [`Error::Late`](crate::Error::Late).
    #[default]
    Refuse,
    /// Apply it behind the newer ones.
    Apply,
}

/// What `upgrade` without a target does with drafts. A shipped binary holds none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Drafts {
    /// Apply them, behind all finalized migrations.
    #[default]
    Apply,
    /// Leave them.
    Leave,
}

/// How often a migration is tried that could not get a lock within `lock_timeout`, or that lost a deadlock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// How often at most, the first attempt included.
    pub attempts: u32,
    /// The pause after the first failure. It doubles with each, and each is varied at random by half.
    pub pause: Duration,
    /// The longest pause.
    pub longest: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self { attempts: 20, pause: Duration::from_millis(250), longest: Duration::from_secs(10) }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) database_ahead: DatabaseAhead,
    pub(crate) out_of_order: OutOfOrder,
    pub(crate) drafts: Drafts,
    pub(crate) lock_wait: Duration,
    pub(crate) lock_timeout: Duration,
    pub(crate) statement_timeout: Option<Duration>,
    pub(crate) retries: Retries,
    pub(crate) reconnect: Duration,
}

impl Options {
    /// The lock timeout as the server takes it.
    pub(crate) fn lock_timeout_ms(&self) -> u128 {
        milliseconds(self.lock_timeout)
    }
}

/// A time as the server's settings take it.
pub(crate) fn milliseconds(time: Duration) -> u128 {
    // Zero would be no limit at all.
    time.as_nanos().div_ceil(1_000_000).min(i32::MAX as u128)
}

impl Default for Options {
    fn default() -> Self {
        Self {
            database_ahead: DatabaseAhead::default(),
            out_of_order: OutOfOrder::default(),
            drafts: Drafts::default(),
            lock_wait: Duration::from_secs(15 * 60),
            lock_timeout: Duration::from_secs(5),
            statement_timeout: None,
            retries: Retries::default(),
            reconnect: Duration::from_secs(30),
        }
    }
}

/// A pause that grows, varied at random by half so that replicas do not move in step.
pub(crate) struct Pauses {
    next: Duration,
    longest: Duration,
}

impl Pauses {
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self { next: first, longest }
    }

    pub(crate) fn pause(&mut self) -> Duration {
        use std::hash::{BuildHasher, RandomState};
        // Each RandomState has keys of its own: a number between 0 and 1 without a crate for it.
        let random = RandomState::new().hash_one(0) >> 11;
        #[allow(clippy::cast_precision_loss, reason = "53 bits fit")]
        let random = random as f64 / (1u64 << 53) as f64;
        const DAY: Duration = Duration::from_secs(24 * 3600);
        let pause = self.next.min(DAY).mul_f64(0.5 + random);
        self.next = self.next.saturating_mul(2).min(self.longest);
        pause.min(self.longest)
    }
}
