//! The command line `stack`. All of it is in the library; this parses, runs, and exits.

use std::process::ExitCode;

use clap::Parser as _;
use stack::{Cli, Exit, note, print_usage, run};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            print_usage(error);
            return exit.into();
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            note(&format!("error: cannot start: {error}"));
            return Exit::Failed.into();
        }
    };
    let ended = runtime.block_on(run(cli));
    // What still runs in the background, such as a look-up of a name that nobody waits for any more, must not hold the end.
    runtime.shutdown_background();
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => {
            note(failure.render());
            failure.exit.into()
        }
    }
}
