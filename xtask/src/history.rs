//! Made-up histories: each step creates a table with an index and, from the second on, gives the one before a foreign
//! key to it. Every step has an exact down.

use std::fs;
use std::path::Path;

/// Up and down of a step, counted from 1.
fn step(number: usize) -> (String, String) {
    let mut up = format!(
        "CREATE TABLE t{number} (id bigint PRIMARY KEY, name text NOT NULL DEFAULT 'x', \
         created_at timestamptz NOT NULL DEFAULT now(), CHECK (length(name) < 500));\n\
         CREATE INDEX t{number}_name_idx ON t{number} (lower(name));\n"
    );
    let mut down = format!("DROP TABLE t{number};\n");
    if number > 1 {
        let before = number - 1;
        up += &format!(
            "ALTER TABLE t{before} ADD COLUMN extra{number} bigint REFERENCES t{number}(id) DEFERRABLE;\n"
        );
        down = format!("ALTER TABLE t{before} DROP COLUMN extra{number};\n{down}");
    }
    (up, down)
}

/// Writes it as diesel's migrations, to be adopted.
pub(crate) fn diesel(folder: &Path, steps: usize) -> std::io::Result<()> {
    for number in 1..=steps {
        let (up, down) = step(number);
        let folder = folder.join(format!("{}_step{number}", 20_260_101_000_000_u64 + number as u64));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("up.sql"), up)?;
        fs::write(folder.join("down.sql"), down)?;
    }
    Ok(())
}

const ENVIRONMENT: &str = r#"import os
from alembic import context
from sqlalchemy import create_engine, pool
connectable = context.config.attributes.get("connection", None)
if connectable is None:
    connectable = create_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
with connectable.connect() as c:
    context.configure(connection=c, target_metadata=None, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
"#;

const STAIRWAY: &str = r#"import os, pytest
from sqlalchemy import create_engine
from pytest_alembic.tests import test_single_head_revision, test_upgrade, test_up_down_consistency
@pytest.fixture
def alembic_config():
    return {"file": os.path.join(os.path.dirname(__file__), "alembic.ini")}
@pytest.fixture
def alembic_engine():
    return create_engine(os.environ["DATABASE_URL"])
"#;

/// Writes it for Alembic, with the tests of pytest-alembic beside it as `test_stairway.py`.
pub(crate) fn alembic(folder: &Path, steps: usize) -> std::io::Result<()> {
    let versions = folder.join("alembic/versions");
    fs::create_dir_all(&versions)?;
    for number in 1..=steps {
        let (up, down) = step(number);
        let before = if number > 1 { format!("'r{}'", number - 1) } else { "None".to_owned() };
        let text = format!(
            "from alembic import op\nrevision = 'r{number}'\ndown_revision = {before}\n\
             def upgrade():\n    op.execute('''{up}''')\ndef downgrade():\n    op.execute('''{down}''')\n"
        );
        fs::write(versions.join(format!("r{number}.py")), text)?;
    }
    fs::write(folder.join("alembic/env.py"), ENVIRONMENT)?;
    fs::write(folder.join("alembic/script.py.mako"), "")?;
    let location = folder.join("alembic");
    fs::write(folder.join("alembic.ini"), format!("[alembic]\nscript_location = {}\n", location.display()))?;
    fs::write(folder.join("test_stairway.py"), STAIRWAY)
}
