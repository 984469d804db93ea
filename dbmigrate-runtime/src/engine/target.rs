//! Where to go: `head`, `base`, `+N`, `-N`, a version, a unique prefix of one, or a name. Pure.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use crate::migration::{Id, Version};

/// Where an upgrade or a downgrade ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// Everything applied.
    #[default]
    Head,
    /// Nothing applied.
    Base,
    /// So many more than now.
    Up(usize),
    /// So many fewer than now.
    Down(usize),
    /// This version is the newest that is applied.
    Version(Version),
    /// As [`Target::Version`], of the one migration whose version begins so or whose name is this.
    Named(String),
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let bad = || TargetError::Unreadable(text.to_owned());
        let count = |digits: &str| digits.parse().ok().filter(|count| *count > 0).ok_or_else(bad);
        match text {
            "head" => Ok(Self::Head),
            "base" => Ok(Self::Base),
            _ if text.starts_with('+') => Ok(Self::Up(count(&text[1..])?)),
            _ if text.starts_with('-') => Ok(Self::Down(count(&text[1..])?)),
            _ => {
                let id = text.parse::<Id>().ok();
                let name = id.map_or_else(
                    || {
                        text.strip_prefix('V')
                            .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
                            .unwrap_or(text)
                            .to_owned()
                    },
                    |id| id.version.to_string(),
                );
                let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
                if name.is_empty() || !name.chars().all(word) { Err(bad()) } else { Ok(Self::Named(name)) }
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head => f.write_str("head"),
            Self::Base => f.write_str("base"),
            Self::Up(count) => write!(f, "+{count}"),
            Self::Down(count) => write!(f, "-{count}"),
            Self::Version(version) => write!(f, "{version}"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

/// A target that leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetError {
    /// It is none of the forms of a target.
    Unreadable(String),
    /// No migration has such a version or name.
    Unknown(String),
    /// Several migrations have a version that begins so, or this name.
    Ambiguous(String, Vec<Id>),
    /// An upgrade cannot go there.
    NotUp(Target),
    /// A downgrade cannot go there.
    NotDown(Target),
    /// A downgrade was to go to a migration that is not applied.
    NotApplied(Id),
    /// A target of `+N` or `-N` is further away than there are migrations: wanted, there.
    TooFar(Target, usize),
}

impl TargetError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable(_) | Self::Unknown(_) => {
                "a target is `head`, `base`, `+N`, `-N`, a version or a unique beginning of one, or a name"
            }
            Self::Ambiguous(..) => "write more digits of the version",
            Self::NotUp(_) => "use a downgrade for that",
            Self::NotDown(_) => "use an upgrade for that",
            Self::NotApplied(_) => "ask for the status to see what is applied",
            Self::TooFar(..) => "use `head` or `base` to go all the way",
        }
    }
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(text) => write!(f, "`{text}` is not a target"),
            Self::Unknown(text) => {
                write!(f, "no migration has a version that begins with `{text}`, or this name")
            }
            Self::Ambiguous(text, ids) => {
                write!(f, "`{text}` may mean ")?;
                for (index, id) in ids.iter().enumerate() {
                    write!(f, "{}`{id}`", if index == 0 { "" } else { " or " })?;
                }
                Ok(())
            }
            Self::NotUp(target) => write!(f, "an upgrade cannot go to `{target}`"),
            Self::NotDown(target) => write!(f, "a downgrade cannot go to `{target}`"),
            Self::NotApplied(id) => write!(f, "`{id}` is not applied, so a downgrade cannot go there"),
            Self::TooFar(target, 0) => write!(f, "`{target}` is too far: there is nothing to run"),
            Self::TooFar(target, there) => write!(f, "`{target}` is too far: there are only {there}"),
        }
    }
}

impl Error for TargetError {}

/// The one migration that a word means.
pub(crate) fn resolve<'a>(
    word: &str,
    ids: impl Iterator<Item = &'a Id> + Clone,
) -> Result<&'a Id, TargetError> {
    let one = |found: Vec<&'a Id>| match found[..] {
        [id] => Some(Ok(id)),
        [] => None,
        _ => Some(Err(TargetError::Ambiguous(word.to_owned(), found.into_iter().cloned().collect()))),
    };
    let named = |id: &&Id| id.name == word;
    let begins = |id: &&Id| id.version.to_string().starts_with(word);
    let whole = |id: &&Id| id.version.to_string() == word;
    one(ids.clone().filter(whole).collect())
        .or_else(|| one(ids.clone().filter(named).collect()))
        .or_else(|| one(ids.filter(begins).collect()))
        .unwrap_or_else(|| Err(TargetError::Unknown(word.to_owned())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn targets_survive_their_text() {
        for text in ["head", "base", "+1", "-12", "20260301120000", "2026", "create_users"] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
        let whole: Target = "V20260301120000__create_users".parse().unwrap();
        assert_eq!(whole, Target::Named("20260301120000".to_owned()));
        assert_eq!("V2026".parse::<Target>().unwrap(), Target::Named("2026".to_owned()));
        assert_eq!("Vendors".parse::<Target>().unwrap(), Target::Named("Vendors".to_owned()));
    }

    #[test]
    fn what_is_no_target_is_refused() {
        for text in ["", "+", "-", "+0", "-0", "+x", "+-1", "a b", "a;b", "HEAD^"] {
            let error = text.parse::<Target>().unwrap_err();
            assert_eq!(error, TargetError::Unreadable(text.to_owned()));
        }
    }

    #[test]
    fn a_word_means_one_migration_or_none() {
        let id = |text: &str| text.parse::<Id>().unwrap();
        let ids =
            [id("V20260301120000__users"), id("V20260302120000__orders"), id("V20260302130000__orders")];
        let resolved = |word| resolve(word, ids.iter());
        assert_eq!(resolved("20260301").unwrap(), &ids[0]);
        assert_eq!(resolved("20260302120000").unwrap(), &ids[1]);
        assert_eq!(resolved("users").unwrap(), &ids[0]);
        assert!(
            matches!(resolved("orders").unwrap_err(), TargetError::Ambiguous(_, found) if found.len() == 2)
        );
        assert!(
            matches!(resolved("202603").unwrap_err(), TargetError::Ambiguous(_, found) if found.len() == 3)
        );
        assert_eq!(resolved("user").unwrap_err(), TargetError::Unknown("user".to_owned()));
    }
}
