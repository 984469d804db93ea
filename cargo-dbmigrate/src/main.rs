//! The binary: reads the command line, runs the command, turns its outcome into an exit status.

use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use cargo_dbmigrate::cli::Cargo;
use cargo_dbmigrate::commands::{self, Exit};
use cargo_dbmigrate::printer::Printer;
use cargo_dbmigrate::report::Reporter;

/// The command could not run.
const COULD_NOT_RUN: u8 = 2;

fn main() -> ExitCode {
    let cli = match Cargo::read(env::args_os().collect()) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are results too; a reader that has gone away is no error.
            _ = error.print();
            return u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    let printer = Arc::new(Printer::new(cli.global.color, cli.global.verbosity()));
    let reporter = Reporter::new(printer, cli.global.format);
    match commands::run(cli, &reporter) {
        Ok(Exit::Fine) => ExitCode::SUCCESS,
        Ok(Exit::Findings) => ExitCode::FAILURE,
        Err(error) => {
            reporter.error(&error);
            ExitCode::from(COULD_NOT_RUN)
        }
    }
}
