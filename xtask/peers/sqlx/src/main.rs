//! Migrates with sqlx.
//!
//! usage: `peer DIRECTORY URL TIMES`; prints the microseconds of each time, from the files to a migrated database.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use sqlx::migrate::Migrator;
use sqlx::{Connection, PgConnection};

async fn migrate(directory: &str, url: &str) -> Result<(), Box<dyn Error>> {
    let migrator = Migrator::new(Path::new(directory)).await?;
    let mut connection = PgConnection::connect(url).await?;
    migrator.run(&mut connection).await?;
    connection.close().await?;
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
