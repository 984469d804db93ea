//! Connection strings into named values, as libpq reads them: `postgres://` URLs and keyword/value strings.
//!
//! What is said about a fault never repeats a value, because a mistyped password can end up in any of them. Names are
//! repeated only where no piece of a password can have become one.

/// The values of a connection string by name, each name once.
#[derive(Clone, Default)]
pub(super) struct Pairs(Vec<(String, String)>);

/// Why a connection string cannot be read: a lowercase fragment, and what to do.
pub(super) struct Fault {
    pub(super) what: String,
    pub(super) hint: &'static str,
}

impl Fault {
    pub(super) fn new(what: impl Into<String>, hint: &'static str) -> Self {
        Self { what: what.into(), hint }
    }
}

const ENCODE: &str = "percent-encode special characters in user, password and database: `@` is `%40`, `/` is `%2F`, \
                      `:` is `%3A`, `%` is `%25`";

const EXAMPLE: &str = "write it as `postgres://user:password@host:5432/database`, or as \
                       `host=… port=… user=… password=… dbname=…`";

/// A parameter that this crate understands, by the name that libpq gives it. The others are refused, so that nobody
/// believes in a setting that does nothing.
const KNOWN: &[&str] = &[
    "application_name",
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "dbname",
    "fallback_application_name",
    "gssencmode",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "load_balance_hosts",
    "options",
    "password",
    "port",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcertmode",
    "sslcompression",
    "sslkey",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
    "sslsni",
    "statement-cache-capacity",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// Other names for the same: those of tokio-postgres, sqlx and older libpq.
const ALIASES: &[(&str, &str)] = &[
    ("keepalives_retries", "keepalives_count"),
    ("requiressl", "sslmode"),
    ("ssl", "sslmode"),
    ("ssl-ca", "sslrootcert"),
    ("ssl-cert", "sslcert"),
    ("ssl-key", "sslkey"),
    ("ssl-mode", "sslmode"),
    ("ssl-root-cert", "sslrootcert"),
];

/// Parameters of libpq and of other libraries that would mean something here and are refused, with the way out.
const REFUSED: &[(&str, &str)] = &[
    ("connection_limit", "leave it out: migrations use one connection and no pool"),
    ("currentSchema", "write `options=-c search_path=…`, percent-encoded in a URL"),
    ("krbsrvname", "use another way to authenticate: GSSAPI is not supported"),
    ("min_protocol_version", "leave it out: the protocol is always 3.0"),
    (
        "passfile",
        "give the password in the connection string or in `PGPASSWORD`: password files are not read",
    ),
    ("pgbouncer", "give the server's own address: migrations must not go through a pooler"),
    ("pool_timeout", "leave it out: migrations use one connection and no pool"),
    ("replication", "leave it out: migrations need an ordinary connection"),
    (
        "require_auth",
        "leave it out, or use `channel_binding=require`: other demands on authentication are not supported",
    ),
    ("requirepeer", "leave it out: the owner of a Unix socket is not checked"),
    ("schema", "write `options=-c search_path=…`, percent-encoded in a URL"),
    ("service", "give host, user and database: service files are not read"),
    ("servicefile", "give host, user and database: service files are not read"),
    ("sslcrl", "leave it out: revocation lists are not supported"),
    ("sslcrldir", "leave it out: revocation lists are not supported"),
    ("sslkeylogfile", "leave it out: keys are never logged"),
    ("sslpassword", "store the key without a passphrase: encrypted keys are not supported"),
];

impl Pairs {
    /// The value of a parameter. An empty one counts as absent, as in libpq.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Sets a value, or replaces it: the last one counts.
    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value.into()));
    }

    /// Sets a value unless there is one.
    pub(super) fn set_default(&mut self, name: &str, value: impl Into<String>) {
        if self.get(name).is_none() {
            self.set(name, value);
        }
    }

    /// Reads a connection string.
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Fault::new("it is empty", EXAMPLE));
        }
        if let Some(rest) = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://")) {
            return Self::parse_url(rest);
        }
        if text.split('=').next().is_some_and(|start| start.contains("://")) || !text.contains('=') {
            return Err(Fault::new("it is neither a `postgres://` URL nor a keyword/value string", EXAMPLE));
        }
        Self::parse_keywords(text)
    }

    fn parse_url(text: &str) -> Result<Self, Fault> {
        let mut pairs = Self::default();
        // As libpq: what is before an `@` that no `/` precedes is user and password.
        let credentials = text.find(['@', '/']).filter(|end| text[*end..].starts_with('@'));
        let rest = match credentials {
            Some(end) => {
                let (user, password) = split(&text[..end], ':');
                pairs.set("user", decode(user)?);
                if let Some(password) = password {
                    pairs.set("password", decode(password)?);
                }
                &text[end + 1..]
            }
            None => text,
        };
        let (place, query) = split(rest, '?');
        if place.contains('@') {
            return Err(Fault::new("there is an `@` where host, port and database are expected", ENCODE));
        }
        let (hosts, database) = split(place, '/');
        pairs.hosts(hosts)?;
        if let Some(database) = database {
            pairs.set("dbname", decode(database)?);
        }
        // An `@` here may be the end of a password that was not encoded.
        let naming =
            if query.is_some_and(|query| query.contains('@')) { Naming::Hidden } else { Naming::Shown };
        for pair in query.into_iter().flat_map(|query| query.split('&')).filter(|pair| !pair.is_empty()) {
            let (name, Some(value)) = split(pair, '=') else {
                return Err(Fault::new("a parameter after the `?` has no `=`", ENCODE));
            };
            let (name, value) = (decode(name)?, decode(value)?);
            pairs.parameter(&name, &value, naming)?;
        }
        Ok(pairs)
    }

    /// `host:port,host:port`, with IPv6 addresses in brackets.
    fn hosts(&mut self, text: &str) -> Result<(), Fault> {
        if text.is_empty() {
            return Ok(());
        }
        let (mut hosts, mut ports) = (Vec::new(), Vec::new());
        for part in text.split(',') {
            let (host, port) = match part.strip_prefix('[') {
                Some(rest) => match split(rest, ']') {
                    (host, Some("")) => (host, None),
                    (host, Some(rest)) if rest.starts_with(':') => (host, Some(&rest[1..])),
                    _ => {
                        return Err(Fault::new("an IPv6 address has no closing bracket", EXAMPLE));
                    }
                },
                None => split(part, ':'),
            };
            hosts.push(decode(host)?);
            ports.push(decode(port.unwrap_or_default())?);
        }
        self.set("host", hosts.join(","));
        if ports.iter().any(|port| !port.is_empty()) {
            self.set("port", ports.join(","));
        }
        Ok(())
    }

    fn parse_keywords(text: &str) -> Result<Self, Fault> {
        let mut pairs = Self::default();
        let mut rest = text.trim_start();
        let mut naming = Naming::Shown;
        while !rest.is_empty() {
            let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
            let name = &rest[..end];
            let Some(after) = rest[end..].trim_start().strip_prefix('=') else {
                return Err(Fault::new(
                    "a word has no `=`",
                    "put values that hold spaces between single quotes, and escape `'` and `\\` with a `\\`",
                ));
            };
            let (value, after) = value(after.trim_start())?;
            if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
                pairs.parameter(name, &value, naming)?;
            } else {
                return Err(Fault::new("there is a value without a name, or a name that is none", EXAMPLE));
            }
            // What follows a password may be the rest of it, if the quotes were forgotten.
            if name == "password" {
                naming = Naming::Hidden;
            }
            rest = after.trim_start();
        }
        Ok(pairs)
    }

    fn parameter(&mut self, name: &str, value: &str, naming: Naming) -> Result<(), Fault> {
        // As sqlx writes settings of the session.
        if let Some(setting) = name.strip_prefix("options[").and_then(|rest| rest.strip_suffix(']')) {
            let escaped = value.replace('\\', "\\\\").replace(' ', "\\ ");
            let before = self.get("options").map(|options| format!("{options} ")).unwrap_or_default();
            self.set("options", format!("{before}-c {setting}={escaped}"));
            return Ok(());
        }
        let known = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, known)| known);
        if KNOWN.contains(&known) {
            let value = match (name, value) {
                ("ssl", "true") | ("requiressl", "1") => "require",
                ("ssl", "false") | ("requiressl", "0") => "prefer",
                _ => value,
            };
            self.set(known, value);
            return Ok(());
        }
        if let Some((name, hint)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
            return Err(Fault::new(format!("the parameter `{name}` is not supported"), hint));
        }
        let what = match naming {
            Naming::Shown => format!("the parameter `{name}` is unknown"),
            Naming::Hidden => "it has an unknown parameter".to_owned(),
        };
        let hint = match naming {
            Naming::Shown => {
                "take it out, or check its spelling: parameters have the names that libpq gives them"
            }
            Naming::Hidden => {
                "check the names of the parameters, and that the password is percent-encoded (in a URL) or between \
                 single quotes"
            }
        };
        Err(Fault::new(what, hint))
    }
}

/// Whether the name of an unknown parameter may be told, or could be a piece of a password.
#[derive(Clone, Copy)]
enum Naming {
    Shown,
    Hidden,
}

/// The text before the first `by`, and the text after it if there is one.
fn split(text: &str, by: char) -> (&str, Option<&str>) {
    match text.split_once(by) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

/// One value of a keyword/value string, and what follows it.
fn value(text: &str) -> Result<(String, &str), Fault> {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut chars = text.char_indices().skip(usize::from(quoted));
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Ok((value, &text[at + 1..])),
            c if c.is_whitespace() && !quoted => return Ok((value, &text[at..])),
            c => value.push(c),
        }
    }
    if quoted {
        return Err(Fault::new(
            "a quoted value has no closing `'`",
            "escape `'` and `\\` in values with a `\\`",
        ));
    }
    Ok((value, ""))
}

/// Undoes percent-encoding.
fn decode(text: &str) -> Result<String, Fault> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes().iter();
    while let Some(byte) = rest.next() {
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(*digit).to_digit(16));
        match digit().zip(digit()).and_then(|(high, low)| u8::try_from(high * 16 + low).ok()) {
            Some(0) => return Err(Fault::new("it holds the forbidden `%00`", ENCODE)),
            Some(byte) => bytes.push(byte),
            None => return Err(Fault::new("a `%` is not followed by two hexadecimal digits", ENCODE)),
        }
    }
    String::from_utf8(bytes).map_err(|_| Fault::new("it is not UTF-8 once it is decoded", ENCODE))
}
