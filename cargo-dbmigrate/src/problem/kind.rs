//! Every kind of finding and refusal, with its stable id and its explanation.
//!
//! The text is written once, here: `explain` shows it and the troubleshooting chapter is made from it. New kinds go
//! at the end of their half. An id is never renamed or reused, since people filter by it.

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

    DownFails, "down-fails", "the down ends with an error",
        "The migration's down was run right after its up, and the server refused one of its statements.",
        "The first time anybody needs this rollback it will fail, most likely in the middle of an incident.",
        "The excerpt shows the statement and what the server said about it. Correct the down. The usual causes are objects dropped in the wrong order, or something that the up created and the down forgot.";

    UpFails, "up-fails", "the up ends with an error",
        "The server refused a statement of the migration's up on a database that has all the migrations before it.",
        "The migration cannot be shipped: every new environment and every deployment would stop at it. The migrations after it could not be proved either.",
        "The excerpt shows the statement and what the server said about it. If the migration needs a role or an extension, create it with `--setup FILE`. If only newer or older servers accept the statement, name the version that you run with `--image`.";

    UpAgainDiffers, "up-again-differs", "the second up gives another catalog",
        "After up, down and up again, the catalog was not what it was after the first up.",
        "A database that was rolled back and upgraded again is no longer like the others, so later migrations behave differently on it.",
        "Look for what the up decides at run time: `IF NOT EXISTS`, `DO` blocks that look at the catalog, generated names. State the wanted result instead, and let the down remove all of it.";

    UpAgainFails, "up-again-fails", "the second up ends with an error",
        "Up and down succeeded, but the up could not be run a second time.",
        "After a rollback the database could not be upgraded again without work by hand.",
        "Most often the down leaves something behind that the up then stumbles over, such as a row, a role or a type. Make the down remove it.";

    ColumnOrder, "column-order", "only the order of columns differs",
        "The catalogs are equal except that some table or view has its columns in another order. PostgreSQL adds a column at the end, so a down that adds back a dropped column moves it there.",
        "Code that names its columns does not notice. `SELECT *`, `INSERT` without a column list and `COPY` without one do.",
        "Nothing, if all code names its columns: this is a note, and a finding only under `--strict`. To keep the order the table has to be rebuilt.";

    StretchDownFails, "stretch-down-fails", "a run of downs in one go ends with an error",
        "Each down works right after its own up, but reverting several migrations one after the other failed.",
        "Rolling back a release means reverting all its migrations, which is exactly what failed.",
        "Look at what a later migration leaves for an earlier down: a dependent view, rows that break a restored constraint, a value of an enum still in use. Make that down independent of it, or declare it irreversible.";

    StretchDownDiffers, "stretch-down-differs", "a run of downs ends in another catalog",
        "Reverting several migrations in one go did not lead to the catalog from which they started.",
        "The database after such a rollback is described by no version, though each down alone looks right.",
        "Read the difference and find the migrations that touch those objects. Look for downs that depend on the rows or objects of the moment.";

    StretchUpFails, "stretch-up-fails", "a run of ups in one go ends with an error",
        "After several migrations were reverted in one go, applying them again failed.",
        "A database that was rolled back could not be upgraded again without work by hand.",
        "The excerpt shows the statement. Look for what the downs left behind, or for an up that relies on rows that the downs have removed.";

    StretchUpDiffers, "stretch-up-differs", "a run of ups ends in another catalog",
        "After several migrations were reverted and applied again in one go, the catalog was not the one from before.",
        "Databases that were rolled back once would differ from those that never were.",
        "Read the difference and find the migrations that touch those objects. Look for `IF NOT EXISTS` and for `DO` blocks that decide by looking at the catalog.";

    FileEdited, "file-edited", "a finalized file was edited",
        "The content of a finalized migration is not the content whose hash stands in the lock file. Line ends and a byte order mark do not count.",
        "Databases that already have the migration will never see the change, so from now on environments differ.",
        "Restore the file, for instance with `git checkout`, and write the change as a new migration with `cargo dbmigrate new`.";

    FileAdded, "file-added", "a migration is not in the lock file",
        "A migration file lies in the migrations directory, but the lock file does not know it.",
        "It was never proved, its place in the order is not settled, and it is not what was reviewed.",
        "Move it to the drafts directory and run `cargo dbmigrate consolidate`, or bring a whole directory of another tool in with `cargo dbmigrate adopt`.";

    FileRemoved, "file-removed", "a finalized file is missing",
        "The lock file names a migration, but its up or its down is not in the migrations directory.",
        "New databases would lack that migration, and those that have it could not be reverted past it.",
        "Restore the file from version control. To undo a finalized migration, write a new one that reverses it.";

    FilesReordered, "files-reordered", "the lock file's order is not the versions' order",
        "The entries of the lock file are not in the order of their versions.",
        "Migrations run in the order of the lock file. Two databases that were upgraded at different moments would get them in different orders.",
        "Restore the lock file from version control. If a merge mixed two branches, move the newer migration back to the drafts directory and consolidate it again, so that it comes last.";

    ChainBroken, "chain-broken", "the chain of hashes in the lock file is broken",
        "Every line of the lock file carries a hash over the line before. At some line it does not fit, so the file was changed by something other than this tool.",
        "The lock file is what says which migrations exist, in which order and with which content. If it can be edited unnoticed, it proves nothing.",
        "Restore the lock file from version control. After a merge keep one side whole and consolidate the other side's migrations again.";

    PsqlMetaCommand, "psql-meta-command", "a file contains a command of psql",
        "A line of the file begins with a backslash command such as `\\set` or `\\copy`. Those are understood by the program psql, not by the server.",
        "Applications send migrations to the server directly, where such a line is a syntax error.",
        "Write it as SQL. Rows of `COPY … FROM stdin` become `INSERT … VALUES`, a `\\set` variable becomes its value, and an included file becomes its content.";

    TransactionControl, "transaction-control", "a file controls the transaction itself",
        "The file contains `BEGIN`, `COMMIT`, `ROLLBACK` or another statement that starts or ends a transaction.",
        "A migration and its row in the history are committed together. A `COMMIT` inside the file breaks that: a failure after it leaves half a migration that nobody knows of.",
        "Remove the statement, since each migration already runs in a transaction. If it must not, as with `CREATE INDEX CONCURRENTLY`, put `-- dbmigrate: no-transaction` at the top of the file.";

    UnmodelledObject, "unmodelled-object", "an object of a kind that is not compared",
        "The migration creates or changes an object of a kind that the comparison of catalogs does not cover yet.",
        "A difference in that object would go unnoticed, so the proof says nothing about it.",
        "Check by hand that the down undoes what the up does to this object.";

    DraftPresent, "draft-present", "drafts are not consolidated",
        "The drafts directory is not empty, and `--frozen` was given.",
        "Drafts are not embedded and never reach production. Code that relies on them would break there.",
        "Run `cargo dbmigrate consolidate` and commit the result, or delete the drafts.";

    Timeout, "timeout", "a migration did not end in time",
        "A statement of the migration was still running when the time given by `--timeout` was over, and was cancelled.",
        "On an empty database a migration takes moments. One that does not end there waits for something that never comes, or loops, and would block a deployment.",
        "The excerpt names the file. Look for loops, for `pg_sleep`, and for locks that the migration itself holds in another session. A statement with `-- dbmigrate: repeat` runs until it changes no row: its condition must leave out the rows that it has changed. If it is only slow, raise `--timeout`.";

    InvalidIndex, "invalid-index", "an index was left invalid",
        "After the migration an index exists that PostgreSQL marks as invalid, which is what a failed `CREATE INDEX CONCURRENTLY` leaves behind.",
        "An invalid index is never used by a query but is kept up to date by every write, and `IF NOT EXISTS` takes it for the real one.",
        "Find out why its build failed, most often duplicate rows under a unique index. Drop the invalid index first, with `DROP INDEX CONCURRENTLY IF EXISTS`, and then build it.";

    CommentOnlyDown, "comment-only-down", "the down contains no statement",
        "The migration has a down file, but there is nothing in it except comments and blank lines.",
        "Reverting the migration would succeed and change nothing, which is worse than an error.",
        "Write the down. If there is no way back, delete the down file and put `-- dbmigrate: irreversible <reason>` at the top of the up.";

    EmptyMigration, "empty-migration", "the up contains no statement",
        "There is nothing in the up except comments and blank lines.",
        "It changes nothing, so most often something was forgotten, such as saving the file.",
        "Write the statements, or remove the draft.";

    IrreversibleWithDown, "irreversible-with-down", "declared irreversible, but there is a down",
        "The up says `-- dbmigrate: irreversible`, and yet a down file lies beside it.",
        "One of the two is wrong. The down is never run nor proved, and a reader who finds it will trust it.",
        "Delete the down file if there is no way back. Remove the directive if there is one.";

    DownMissing, "down-missing", "a migration has no down",
        "There is no down file beside the up, and the up does not say that there is no way back.",
        "Nobody can tell whether the down was forgotten, lost in a merge, or never possible.",
        "Write the down. If there is no way back, put `-- dbmigrate: irreversible <reason>` at the top of the up.";

    BadDirective, "bad-directive", "a directive is not complete",
        "A directive lacks its reason, has an argument that it does not take, or is given twice.",
        "The reason is what the next reader has to go by, and half a directive is not obeyed.",
        "Write it as `-- dbmigrate: irreversible <reason>`, `-- dbmigrate: allow <rule> <reason>`, `-- dbmigrate: no-transaction` or `-- dbmigrate: repeat`, the last one once before a statement.";

    UnrepeatableStatement, "unrepeatable-statement", "a statement that cannot repeat",
        "A statement carries `-- dbmigrate: repeat`, which runs it until it changes no row. Either the server does not count the rows that such a statement changes, as with `SELECT`, `CALL` and `DO`, or it would change rows every time, as an `UPDATE` without a `WHERE` does.",
        "Verification runs on tables that may be empty, where such a statement ends at once. In production it would stop too early or never.",
        "Write one `INSERT`, `UPDATE`, `DELETE` or `MERGE`, with or without `WITH`, whose condition leaves out the rows that it has changed: `UPDATE t SET b = f(a) WHERE id IN (SELECT id FROM t WHERE b IS NULL LIMIT 1000)`. If the statement should run once, remove the directive.";

    Divergent, "divergent", "an applied migration was edited",
        "The database has applied a migration whose text is not the one that is here: the hashes differ.",
        "Nobody can say what the database looks like: it is neither what the old text made nor what the new one would make. Nothing is applied on top of that.",
        "Put the applied text back, for instance with `git checkout`, and write the change as a new migration. A draft that you have edited is brought up to date with `cargo dbmigrate redo`.";

    Missing, "missing", "an applied migration is not here",
        "The database has applied a migration that this directory does not hold, although it holds newer ones.",
        "Most often a branch was applied that was never merged. The directory no longer describes the database.",
        "Check out the branch that holds it. To take it out of the database, revert it with `cargo dbmigrate downgrade`: the history keeps its down.";

    Late, "late", "a pending migration is older than an applied one",
        "A migration is not applied, although one with a newer version is.",
        "New databases apply it before the newer one and this database would apply it after, so that the two may differ.",
        "Move it back to the drafts directory and consolidate it again, so that it comes last. If the order of the two does not matter, give `--out-of-order apply`.";

    DatabaseAhead, "database-ahead", "the database is ahead",
        "The database has applied migrations that are newer than all that are here: a newer version has migrated it.",
        "What is here was written for an older schema, and may not work with this one.",
        "Get the newer migrations, or revert them with `cargo dbmigrate downgrade`: the history keeps their downs. If what is here can work with the newer schema, give `--database-ahead allow`.";

    Pending, "pending", "migrations are pending",
        "Migrations that are here are not applied to this database.",
        "Code that needs them fails on it.",
        "Look at them with `cargo dbmigrate plan`, and apply them with `cargo dbmigrate upgrade`.";

    Unfinished, "unfinished", "a migration is on its way",
        "A migration that runs statement by statement is not done: it runs now, or was interrupted.",
        "Until it is done the database is between two versions.",
        "If nothing runs now, the next `upgrade` or `downgrade` goes on where it stopped. That needs the very file that was begun.";

    NoProject, "no-project", "no Cargo package was found",
        "The command needs a Cargo package to find its configuration and its migrations, and there was none here.",
        "Guessing a directory could write files in the wrong place.",
        "Change into a package, or name one with `--manifest-path PATH`.";

    AmbiguousPackage, "ambiguous-package", "the workspace has several packages to choose from",
        "Several packages of this workspace could be meant, and nothing says which.",
        "Each package can have its own migrations. Working on the wrong ones is not easily undone.",
        "Name the package with `-p NAME`, or configure the whole workspace in `[workspace.metadata.dbmigrate]`.";

    UnknownPackage, "unknown-package", "no such package in the workspace",
        "The package named with `-p` is not a member of this workspace.",
        "Nothing was done, since there is nothing to work on.",
        "Check the spelling: the message lists near names. `cargo metadata --no-deps` shows all members.";

    UnknownKey, "unknown-key", "an unknown key in the configuration",
        "The configuration in `Cargo.toml` has a key that this version does not know.",
        "A misspelt key would otherwise be ignored silently, and the default would be used in its place.",
        "Correct the spelling, or remove the key. The README's table lists all keys.";

    BadValue, "bad-value", "a setting has a value that does not fit",
        "A setting has a value of the wrong type or outside what is allowed. The message names the setting and where the value came from.",
        "Going on with a guess could use another server or another directory than you meant.",
        "Correct the value where it was set: on the command line, in the environment or in `Cargo.toml`.";

    NoMigrationsDirectory, "no-migrations-directory", "there is no migrations directory",
        "The directory in which the migrations should be does not exist.",
        "An empty history is not the same as a missing one: a wrong path would otherwise count as proved.",
        "Run `cargo dbmigrate init` to create it, or correct `migrations` in the configuration.";

    BadName, "bad-name", "a file's name is not a migration's name",
        "A migration is named `V<14 digits>__<snake_case>.sql`, where the digits are a UTC time stamp. A draft has the same name without the `V`. This file's name is close to that, but not it.",
        "The name carries the version and so the order. Lenient reading of names has led other tools to skip files silently.",
        "Rename the file as the message says, or let `cargo dbmigrate new NAME` choose the name.";

    DuplicateVersion, "duplicate-version", "two migrations have the same version",
        "Two files of the directory begin with the same time stamp.",
        "The version says in which order migrations run and which of them a database has. With two of the same version neither is certain.",
        "Give the newer of them a new time stamp. If it is already finalized, move it back to the drafts directory and consolidate it again.";

    DownWithoutUp, "down-without-up", "a down without its up",
        "There is a `.down.sql` file, but no up with the same version and name.",
        "The up may have been renamed or lost, in which case the migration would silently be missing.",
        "Rename the two files alike, or remove the one that is left over.";

    UnknownFile, "unknown-file", "a file that does not belong in the directory",
        "The directory contains something that is not a migration, nor the lock file.",
        "Everything in the migrations directory is embedded in the application. A stray file is most often a migration with a mistyped name.",
        "Move the file elsewhere, or rename it to `V<14 digits>__<snake_case>.sql` if it is a migration.";

    UnknownDirective, "unknown-directive", "an unknown directive",
        "A comment begins with `-- dbmigrate:`, but what follows is no directive of this version.",
        "A misspelt `no-transaction` that is ignored changes how the migration runs.",
        "The directives are `no-transaction`, `irreversible <reason>`, `allow <rule> <reason>` and `repeat`. Correct the spelling.";

    MisplacedDirective, "misplaced-directive", "a directive in the wrong place",
        "A directive stands below the first statement, where it has no effect, or in a file to which it does not apply. The only one that belongs to a statement, `repeat`, has no statement after it, or stands inside of one or behind one.",
        "Whoever wrote it believes that it is in force.",
        "Move it into the block of comments at the top of the file. `irreversible` belongs in the up. `repeat` goes on a line of its own before the statement that repeats, in a file that says `no-transaction`.";

    NotUtf8, "not-utf8", "a file is not UTF-8",
        "The file contains bytes that are not UTF-8 text.",
        "Migrations are embedded, hashed and sent to the server as UTF-8. Another encoding would change names and text silently.",
        "Convert the file, for instance with `iconv -f latin1 -t utf-8`. Binary data belongs in an `E'\\\\x…'` or `decode(…)` literal.";

    LockMissing, "lock-missing", "there is no lock file",
        "The migrations directory contains migrations, but no `dbmigrate.lock`.",
        "Without it nothing says which of the files are finalized, in which order and with which content.",
        "Restore it from version control. For a directory that comes from another tool, run `cargo dbmigrate adopt`.";

    LockConflict, "lock-conflict", "the lock file has conflict markers",
        "The lock file contains the lines that git writes when two branches changed the same place.",
        "Two branches finalized a migration each. Which of them comes first has to be decided and then proved, and so this conflict is on purpose.",
        "Take the lock file of the branch that ships first. Move the other branch's migration back to the drafts directory and run `cargo dbmigrate consolidate`.";

    LockMalformed, "lock-malformed", "the lock file cannot be read",
        "A line of the lock file does not have the form that this tool writes.",
        "The file is written only by the tool, so it was edited by hand, damaged in a merge or written by a newer version.",
        "Restore it from version control. If a newer version wrote it, install that version.";

    LockStale, "lock-stale", "the lock file does not fit the directory",
        "The files in the migrations directory are not those that the lock file describes, so the command did not start.",
        "Building on a history that was tampered with would make the new lock file vouch for it.",
        "Run `cargo dbmigrate verify`, which names every file that was edited, added, removed or reordered, and repair those first.";

    SqlSyntax, "sql-syntax", "a file cannot be parsed as SQL",
        "The SQL parser could not split the file into statements. A quote, a dollar quote or a comment is most often not closed.",
        "A file that runs without a transaction is sent statement by statement, so where each of them ends must be certain.",
        "The excerpt shows where the parser gave up. Close what is open there.";








    Disk, "disk", "the disk is full",
        "A file could not be written because no space was left.",
        "Nothing was changed: files are written completely or not at all.",
        "Free some space. The throwaway server uses the temporary directory, which `TMPDIR` moves elsewhere.";

    ReadOnly, "read-only", "a file or directory may not be written",
        "The system refused to write at the place that the message names.",
        "Nothing was changed: files are written completely or not at all.",
        "Check the permissions and the owner of the directory, and whether it is mounted read-only.";

    Interrupted, "interrupted", "the command was interrupted",
        "The command was stopped by Ctrl-C or by a signal before it ended.",
        "Nothing is proved. The throwaway server was stopped and removed, and no file was changed.",
        "Run it again. In CI, look for a time limit of the job.";

    DraftsMissing, "drafts-missing", "there are no drafts",
        "`consolidate` turns drafts into a finalized migration, and the drafts directory is empty.",
        "There is nothing to do. A wrong path in `drafts` looks the same.",
        "Write a draft with `cargo dbmigrate new NAME` first.";

    NameTaken, "name-taken", "the name is already in use",
        "A migration or draft with the same version or name, or the file that would be written, exists already.",
        "Existing files are never overwritten.",
        "Choose another name.";

    ConsolidationDiffers, "consolidation-differs", "the result differs from the drafts",
        "The catalog after the consolidated migration is not the catalog after the drafts.",
        "What you tested are the drafts. What would ship is something else, so nothing was written.",
        "Read the difference. Most often the drafts run statements that behave differently inside one transaction, such as a concurrent index or a new enum value that is used at once. Consolidate those drafts one after the other: move the later ones out of the drafts' directory meanwhile.";

    ConsolidationUnproved, "consolidation-unproved", "the consolidated migration has findings",
        "The drafts were put together, but the resulting migration did not survive up, down and up again.",
        "Only proved migrations are finalized. Nothing was written, and the drafts are as they were.",
        "Correct the drafts as the findings say, and run `cargo dbmigrate consolidate` again.";

    AdoptSource, "adopt-source", "the directory cannot be adopted",
        "The directory does not look like the migrations of the tool named by `--from`, or contains something that has no safe equivalent. The message names the file.",
        "A history that is only partly adopted would be another history, so nothing was written.",
        "Check `--from` and the path. Repair or remove what the message names, and run it again.";

    UnknownSince, "unknown-since", "`--since` names nothing that is known",
        "The value of `--since` is neither the version of a migration nor a revision that git knows.",
        "Without a starting point it is not clear which migrations are new.",
        "Give a version, as in `--since 20260301120000`, or a branch, tag or commit. In CI make sure that the checkout has enough history.";

    Git, "git", "git could not be asked",
        "The program git was not found, or ended with an error, when it was asked for the migrations of a revision.",
        "What is newer than that revision cannot be told without it.",
        "Install git, run inside the repository, or give `--since` a version in place of a revision.";

    UnknownId, "unknown-id", "no problem has this id",
        "`explain` was asked about an id that no finding and no refusal of this version has.",
        "Ids are stable and never reused, so it is either misspelt or from a newer version.",
        "Run `cargo dbmigrate explain` for the list of all ids.";

    Unreadable, "unreadable", "a file or directory cannot be read",
        "The system refused to read what the message names. The cause below it says why.",
        "What cannot be read cannot be proved, and leaving it out would prove something else.",
        "Check the path, the permissions, and where symbolic links point to.";

    BadManifest, "bad-manifest", "the manifest cannot be used",
        "Cargo could not read the package, or `Cargo.toml` is not valid TOML. The cause below it says what is wrong.",
        "The configuration lives in the manifest, and so do the paths of the migrations.",
        "Correct the manifest until `cargo metadata --no-deps` succeeds.";

    SecretInManifest, "secret-in-manifest", "a password stands in the manifest",
        "A URL in the configuration contains a password.",
        "`Cargo.toml` is committed and published: whoever reads it has the password.",
        "Write `server = { env = \"NAME\" }` and put the URL into that environment variable or into `.env`. Change the password if it was ever committed.";

    ForeignDirectory, "foreign-directory", "the directory belongs to another tool",
        "The directory that should hold the migrations is not empty, and what lies in it was not written by this tool.",
        "Mixing two histories in one directory would break both.",
        "Run `cargo dbmigrate adopt --from TOOL PATH` to bring that history in, with `migrations` in the configuration set to a new directory.";

    SetNotEmpty, "set-not-empty", "there are migrations already",
        "`adopt` brings in a whole history, and the migrations directory has one already.",
        "Migrations of two histories have no common order that could be proved.",
        "Adopt into an empty directory: set `migrations` in the configuration to a new one.";

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
        "Free some space or make the directory writable; `TMPDIR` and `DBMIGRATE_CACHE` choose other places.";
    ServerUnreachable, "server-unreachable", "the named server cannot be reached",
        "The server of the connection string did not answer, or did not let the user in.",
        "Throwaway databases are made there.",
        "Check that it runs, and the host, port, user, password and database of the connection string.";
    ServerPermission, "server-permission", "the role may not make databases",
        "Throwaway databases are made with `CREATE DATABASE`, and the named server does not let this role do that.",
        "The databases that are already on the server are never used: only ones that this tool made.",
        "`ALTER ROLE … CREATEDB`, or use another role, or another way with `--server`.";
    ServerTls, "server-tls", "throwaway servers cannot be reached over TLS yet",
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
    Internal, "internal", "something unexpected happened",
        "An error came up that this tool has no better name for. The causes below it say what the operating system, the server or a library reported.",
        "It may be a mistake in this tool.",
        "Read the causes. If they do not explain it, report it with the command, its output under `-v` and the version.";
    ChangedMeanwhile, "changed-meanwhile", "files changed while they were proved",
        "Between the reading of the drafts and the end of their proof, a draft, a finalized migration or the lock file was edited, added or removed: in an editor, by version control, or by another run of `consolidate`.",
        "What was proved is no longer what stands there. Finalizing it would throw the newer edit away, so nothing was written.",
        "Run `cargo dbmigrate consolidate` again.";
    UnknownEnvironment, "unknown-environment", "no such environment",
        "`--env` or `DBMIGRATE_ENV` names an environment that the configuration does not have.",
        "Another database than the one that you mean could be changed.",
        "Correct the name, or add `[package.metadata.dbmigrate.env.NAME]` with a `url` to `Cargo.toml`.";
    NoDatabase, "no-database", "nothing says which database is meant",
        "The command works on a database, and neither the command line nor the configuration nor the environment names one.",
        "A database is never guessed.",
        "Give `--database-url`, or `--env` with an environment that has a `url`, or set `DATABASE_URL`, for instance in `.env`.";
    Unconfirmed, "unconfirmed", "a change was not confirmed",
        "The environment is protected: whatever changes its database shows its plan and then wants the database's name, from somebody at a terminal or with `--confirm`. The name was not given, or it is that of another database.",
        "Nothing was changed. Most accidents in production begin with a command that was meant for another database.",
        "Read the line that begins with `database`, and the plan. If both are what you mean, give `--confirm NAME`.";
    DraftOnProtected, "draft-on-protected", "a draft was to be applied to a protected database",
        "The target is a draft, or drafts are applied that would have to be applied again.",
        "Drafts are edited and thrown away. A database that others rely on gets only what was proved and finalized.",
        "Run `cargo dbmigrate consolidate`. If drafts are applied there, revert them with `cargo dbmigrate downgrade`.";
    CannotConnect, "cannot-connect", "the database cannot be reached",
        "No connection could be made. The message says what the network, the server or TLS said.",
        "Nothing was changed.",
        "The hint says what to check for this cause. The connection is the one of the line that begins with `database`.";
    BadTarget, "bad-target", "the target leads nowhere",
        "A target is `head`, `base`, `+N`, `-N`, a version, a unique beginning of one, or a name. This one is none of these, or no migration is there, or it lies in the other direction.",
        "Nothing was run, since it is not certain how far to go.",
        "`cargo dbmigrate history --graph` lists what a target can be.";
    Irreversible, "irreversible", "a migration on the way back is irreversible",
        "A migration that would have to be reverted is declared irreversible, for the reason that the message gives.",
        "There is no down that could be run. Nothing was reverted, not even what comes after it.",
        "Choose a target after it, restore a backup, or write a new migration that takes the change back.";
    NoDown, "no-down", "there is no down",
        "A migration is to be reverted that is not here, and the history does not hold its down either.",
        "Nothing was reverted.",
        "Get the files that hold it and revert it with them.";
    ForeignHistory, "foreign-history", "the history table is something else",
        "Where the history should be there is another table, or a view, or the history of another tool.",
        "Writing into it would damage it.",
        "Choose another `history-table`, or move what is there away.";
    NewerHistory, "newer-history", "the history was written by a newer version",
        "The history table has rows in a format that this version does not know.",
        "What it does not know could be overlooked, and rows written over.",
        "Install the version that the message names, or a newer one.";
    NotPermitted, "not-permitted", "the role lacks a right",
        "The server refused something that migrating needs. The message says what, and what the server said.",
        "Nothing was changed by the step that failed.",
        "Grant the right to the role, or migrate as the owner of the schema.";
    BadEncoding, "bad-encoding", "the database's encoding is not UTF8",
        "Migrations are UTF-8, and this database has another encoding.",
        "Names and texts could be changed silently.",
        "Make the database anew with `ENCODING 'UTF8'`.";
    DatabaseReadOnly, "database-read-only", "the server takes no writes",
        "The server is a standby, or sessions are read-only by default.",
        "Migrations cannot be applied there.",
        "Connect to the primary. With several hosts in the URL, add `target_session_attrs=read-write`.";
    Pooled, "pooled", "a pooler shares sessions",
        "The connection goes through a pooler, such as PgBouncer in transaction mode, that gives one session of the server to several clients.",
        "The lock that lets only one of several programs migrate does not work there, and settings leak into other sessions.",
        "Connect to the server itself, or set the pooler to session mode.";
    LockBusy, "lock-busy", "another session migrates the database",
        "Another session has been migrating this database for longer than this one was to wait. The message says which, as far as it can be seen.",
        "Two must not migrate at the same time. Nothing was changed by this one.",
        "Wait until it has ended, or find out what it waits for.";
    LockTimeout, "lock-timeout", "a migration cannot get a lock",
        "A statement of the migration needs a lock that other sessions hold, and it could not get it within `lock-timeout`, however often it was tried.",
        "Waiting longer would block everybody who comes after it. The migration was rolled back.",
        "End the sessions that are in the way, try at a quieter time, or allow a longer `--lock-timeout`.";
    Sql, "sql", "a statement of a migration failed",
        "The server refused a statement. A transactional migration was rolled back, and those before it stay applied. Of one that runs statement by statement, the statements before the failed one stay done.",
        "The database is at the version before it, or in the middle of a migration without a transaction.",
        "The excerpt shows the statement and what the server said. If the data is in the way, correct the data. A finalized migration that was applied elsewhere must not be edited.";
    Copies, "copies", "a migration copies rows from or to the client",
        "The migration holds `COPY … FROM STDIN` or `COPY … TO STDOUT`. It was rolled back.",
        "The rows would have to come from the program that migrates, or go to it, and it has none and wants none.",
        "Write the rows with `INSERT`, or `COPY` from a file on the server.";

    TransactionEnded, "transaction-ended", "a migration ended its own transaction",
        "The file ended the transaction in which it ran, so its row in the history could not be committed together with it.",
        "What it did up to that point may be there, and the history does not say so.",
        "Remove `COMMIT` and the like from the file, and look at what it left behind. `-- dbmigrate: no-transaction` runs its statements one by one.";
    ConnectionLost, "connection-lost", "the connection was lost",
        "The connection to the server broke, and could not be made anew in time.",
        "The history says what was done: what was not committed was rolled back.",
        "Run the command again. It goes on where it stopped.";
    Database, "database", "the server said something unexpected",
        "The server or the driver reported an error that this tool has no better name for.",
        "Nothing was changed by the step that failed.",
        "The message says what was being done and what the server said.";
}

impl Kind {
    /// The kind with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.id() == id)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Kind;

    #[test]
    fn ids_are_unique_and_kebab_case() {
        let mut seen = BTreeSet::new();
        for kind in Kind::ALL {
            let id = kind.id();
            assert!(seen.insert(id), "`{id}` twice");
            assert!(
                id.split('-').all(|word| {
                    !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
                }),
                "`{id}`"
            );
            assert_eq!(Kind::from_id(id), Some(*kind));
        }
    }

    #[test]
    fn a_variant_is_its_id_in_camel_case() {
        for kind in Kind::ALL {
            let camel: String =
                kind.id().split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
            assert_eq!(format!("{kind:?}"), camel);
        }
    }

    #[test]
    fn every_text_is_whole() {
        for kind in Kind::ALL {
            let (id, title) = (kind.id(), kind.title());
            assert!(
                title.chars().count() <= 60,
                "`{id}`: the title has {} characters",
                title.chars().count()
            );
            assert!(!title.ends_with('.') && !title.is_empty(), "`{id}`: {title}");
            assert!(
                title.starts_with("PostgreSQL") || !title.starts_with(char::is_uppercase),
                "`{id}`: {title}"
            );
            for text in [kind.means(), kind.matters(), kind.remedy()] {
                assert!(text.ends_with('.'), "`{id}`: {text}");
                assert!(!text.contains("  ") && text == text.trim(), "`{id}`: {text}");
                assert_eq!(text.matches('`').count() % 2, 0, "`{id}`: {text}");
                assert!(text.starts_with(|c: char| c.is_uppercase() || c == '`'), "`{id}`: {text}");
            }
        }
    }
}
