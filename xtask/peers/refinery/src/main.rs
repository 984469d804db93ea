//! Migrates with refinery.
//!
//! usage: `peer DIRECTORY URL TIMES`; prints the microseconds of each time, from the files to a migrated database.

use std::error::Error;
use std::time::Instant;

use refinery::{Runner, load_sql_migrations};
use tokio_postgres::NoTls;

async fn migrate(directory: &str, url: &str) -> Result<(), Box<dyn Error>> {
    let migrations = load_sql_migrations(directory)?;
    let (mut client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Runner::new(&migrations).run_async(&mut client).await?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("usage: DIRECTORY URL TIMES");
    let (directory, url, times) = (next()?, next()?, next()?.parse::<u32>()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for _ in 0..times {
        let from = Instant::now();
        runtime.block_on(migrate(&directory, &url))?;
        println!("{}", from.elapsed().as_micros());
    }
    Ok(())
}
