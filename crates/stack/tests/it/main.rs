//! The binary as a person or a script runs it: a child process for each command, on the embedded AWS.
//!
//! # Cases
//! What users of other tools have reported, and this program must do better. Each case has its tests, here or where the fault would be;
//! their documentation has its number.
//!
//! | case | what | tests |
//! |---|---|---|
//! | 01 | a protection declared together with a replacement | `protection`: `a_database_is_not_replaced_…`, `a_final_snapshot_is_taken_…`, `images_are_not_lost_unseen`; engine's `removal` |
//! | 02 | the project renamed on a live stack | `protection`: `a_state_belongs_to_its_project` |
//! | 03 | `database.insights = "advanced"`, fresh and live | database's `changes`: `the_advanced_mode_of_insights_…` |
//! | 04 | a key pending deletion | `cases_refused`: `case_04_…`; aws's `keys`; `never_worse` |
//! | 05 | a disabled key | `cases_refused`: `case_05_…`; aws's `keys`; verify's `faults` |
//! | 06 | a minor version that AWS upgraded | database's `versions` |
//! | 11 | a major version up, and down | database's `versions` |
//! | 12 | another encryption of the repository | `protection`: `images_are_not_lost_unseen` |
//! | 13 | tags that AWS refuses | `bad_input`: `tags_that_some_service_refuses_…` |
//! | 15 | an image that nothing leads to | `cases_refused`: `case_15_…`; the emulator's `ecs::reach`; ecs's `reach` |
//! | 21 | credentials that expire in the middle | `signals`: `credentials_that_expire_…`; engine's `interrupt` |
//! | 22 | a full disk | `processes`: `a_full_disk_…`; `private_files`; engine's `full_disk` |
//! | 23 | messages that lead astray | `bad_input` |
//! | 24 | `verify` on what is gone | verify's `faults`: `what_has_disappeared_…` |

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod accept;
mod anchors;
mod any_change;
#[cfg(unix)]
mod bad_input;
mod bootstrap;
mod cases;
mod cases_refused;
mod command;
mod completions;
mod configuration;
mod conveniences;
mod deploying;
mod drift;
mod emulator;
mod endpoints;
mod environment_list;
mod environments;
mod error_pages;
mod example;
mod export;
mod failures;
mod forgery;
mod history;
mod imports;
mod init;
mod kinds;
mod life;
mod live;
mod lock;
mod log_key;
mod logs;
mod never_worse;
mod new_environments;
mod order;
mod orphans;
#[cfg(unix)]
mod permissions;
mod plans;
mod private_files;
mod processes;
mod program;
mod prompts;
mod protection;
mod pty;
mod readme;
mod rehearsal;
mod resuming;
mod secrets;
mod selection;
mod server;
mod signals;
mod state_cost;
mod state_moves;
mod state_records;
mod state_s3;
mod tap_stack;
mod terminal;
mod title;
mod transcripts;
mod under_way;
mod unlock;
mod verify;
mod written_files;
