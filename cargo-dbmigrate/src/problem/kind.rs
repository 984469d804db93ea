//! Every kind of finding and refusal, with its stable id and its explanation.

macro_rules! kinds {
    ($($variant:ident, $id:literal, $title:literal, $means:literal, $matters:literal, $remedy:literal;)*) => {
        /// A kind of finding or refusal. Ids are stable: they are never renamed or reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $(#[doc = $title] $variant,)* }

        impl Kind {
            /// All kinds, in the order of the troubleshooting chapter.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable id, as `explain` takes it.
            pub const fn id(self) -> &'static str { match self { $(Self::$variant => $id,)* } }
            /// One line: what it is.
            pub const fn title(self) -> &'static str { match self { $(Self::$variant => $title,)* } }
            /// What it means.
            pub const fn means(self) -> &'static str { match self { $(Self::$variant => $means,)* } }
            /// Why it matters.
            pub const fn matters(self) -> &'static str { match self { $(Self::$variant => $matters,)* } }
            /// What to do about it.
            pub const fn remedy(self) -> &'static str { match self { $(Self::$variant => $remedy,)* } }
        }
    };
}

kinds! {
    DownDiffers, "down-differs", "the down does not restore the catalog",
        "After the migration's up and then its down, the catalog was not what it was before the up.",
        "A rollback in production would leave a schema that no version describes: the next upgrade may fail, or the older release may.",
        "Read the difference: lines with `+` were left behind by the down, lines with `-` are missing after it. Change the down so that it undoes the whole up, or declare the migration irreversible with `-- dbmigrate: irreversible <reason>`.";
    ServerUnavailable, "server-unavailable", "no throwaway server can be had",
        "None of the ways to a throwaway PostgreSQL server works on this machine; the message says what each of them lacked.",
        "Nothing can be proved without a real PostgreSQL server to try it on.",
        "Start Docker, or install the PostgreSQL server's programs, or allow the download (no `--offline`), or name a server with `--server <postgres url>`.";
    ServerUnknown, "server-unknown", "not a way to a throwaway server",
        "The value of `--server` is neither a way nor a connection string that can be read.",
        "Guessing could pick a server that was not meant.",
        "Use `auto`, `docker`, `local`, `embedded`, or a URL such as `postgres://user@localhost:5432/postgres`.";
    ServerPrograms, "server-programs", "PostgreSQL's server programs are missing",
        "`--server local` needs `initdb` and `postgres`, and they were not found. A client-only installation does not have them, and wrapper scripts do not count.",
        "A private cluster is made with the machine's own programs.",
        "Install the PostgreSQL server, or set `DBMIGRATE_PG_BIN` to the directory of its programs, or choose another way with `--server`.";
    ServerStart, "server-start", "the throwaway server did not start",
        "A program of PostgreSQL's, or the container it runs in, ended or did not answer in time. The message repeats what it said.",
        "Nothing can be proved without a real PostgreSQL server to try it on.",
        "Follow the server's message, or choose another way with `--server`.";
    ServerDirectory, "server-directory", "a directory cannot be used",
        "The cache directory or the temporary directory is full, read-only or not accessible.",
        "Throwaway servers keep their data in a temporary directory, and the register of what must be cleaned up in the cache directory.",
        "Free some space or make the directory writable; `TMPDIR` and `XDG_CACHE_HOME` choose other places.";
    ServerUnreachable, "server-unreachable", "the named server cannot be reached",
        "The server of the connection string did not answer, or did not let the user in.",
        "Throwaway databases are made there.",
        "Check that it runs, and the host, port, user, password and database of the connection string.";
    ServerPermission, "server-permission", "the role may not make databases",
        "Throwaway databases are made with `CREATE DATABASE`, and the named server does not let this role do that.",
        "The databases that are already on the server are never used: only ones that this tool made.",
        "`ALTER ROLE … CREATEDB`, or use another role, or another way with `--server`.";
    ServerTls, "server-tls", "TLS is not available for throwaway servers yet",
        "The connection string asks for TLS with `sslmode=require`, `verify-ca` or `verify-full`.",
        "Connecting without it would send what was meant to be encrypted in the clear.",
        "Use a server on this machine or in a trusted network with `sslmode=disable`, or another way with `--server`.";
    ServerDatabase, "server-database", "a throwaway database cannot be made or dropped",
        "The throwaway server refused `CREATE DATABASE` or `DROP DATABASE`; the message repeats its reason.",
        "Every check runs in databases of its own.",
        "Follow the server's message. A database is copied only while nobody is connected to it.";
    ServerSetup, "server-setup", "the setup SQL failed",
        "The configured setup SQL (roles, extensions) was run on the new throwaway server and failed there.",
        "Migrations that need those roles or extensions would fail for a reason that is not theirs.",
        "Correct the SQL. On a server named with `--server <postgres url>` roles may exist already: create them only if they are missing.";
    ForeignDatabase, "foreign-database", "the database was not made by this tool",
        "A database was to be dropped that does not carry this tool's mark.",
        "On a server that you name, only throwaway databases that this tool made are ever touched.",
        "Drop it yourself if nobody needs it.";
    DockerUnavailable, "docker-unavailable", "no Docker engine answers",
        "`--server docker` found no engine, or the engine did not answer. The message repeats what it said.",
        "The throwaway server runs in a container.",
        "Start the engine, or set `DOCKER_HOST`, or choose another way with `--server`.";
    DockerImage, "docker-image", "the image cannot be had",
        "The configured image is not on this machine and cannot be pulled. The message repeats what the engine said.",
        "The throwaway server runs in a container of that image.",
        "Check the image's name and the network, or pull it by hand, or configure another image, or choose another way with `--server`.";
    ServerVersion, "server-version", "the throwaway server is too old",
        "Throwaway servers need PostgreSQL 13 or newer.",
        "Older versions are no longer maintained, and cannot drop a database that somebody is still connected to.",
        "Use a newer server, best the version that production runs.";
    Download, "download", "PostgreSQL's programs cannot be downloaded",
        "`--server embedded` downloads PostgreSQL's programs once. The release server could not be reached, does not have them, or sent something else than it announced. Nothing was kept.",
        "Programs whose checksum is not right are never run.",
        "Check the network and the configured release server, or choose another way with `--server`.";
}
