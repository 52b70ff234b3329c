// SPDX-License-Identifier: MIT OR Apache-2.0

//! The tool as a whole: the real program against the real kernel.
//!
//! Each test runs in a process of its own, in namespaces of its own (mount,
//! network and pid; a user namespace too where the caller is not root), with a
//! /run that is empty and goes with it. Nothing of it reaches the machine, and
//! one test sees to that. A test that cannot run here is reported as ignored.

mod bridge;
mod channel;
mod claim;
mod core;
mod crash;
mod doctor;
mod exec;
mod exec_node;
mod exec_several;
mod exec_terminal;
mod export;
mod full;
mod inventory;
mod lab;
mod lab_commands;
mod lab_file;
mod lab_parts;
mod lab_record;
mod lab_undo;
mod labs;
mod life;
mod link;
mod machine;
mod manners;
mod monitor;
mod node;
mod ordinary;
mod reference;
mod stat;
mod terminal;
mod top;
mod traced;
mod vcmd;
mod vnoded;

use std::env;
use std::process::{Command, ExitCode};

use lab::Lab;
use libtest_mimic::{Arguments, Failed, Trial};

/// Names the test that this process is to run, inside its namespaces.
const INSIDE: &str = "PERNET_TEST_INSIDE";

/// A test, and what it cannot do without.
struct Case {
    name: &'static str,
    run: fn(&Lab),
    needs: &'static [Need],
}

#[derive(Clone, Copy)]
enum Need {
    /// A program on the path.
    Program(&'static str),
    /// Users besides root, whom only root can become.
    Users,
    /// A kernel that does not have the module loaded.
    NoModule,
    /// CORE's own programs, and the variable that says where they are.
    Core,
}

impl Need {
    fn is_met(self) -> bool {
        match self {
            Need::Program(name) => find_program(name),
            Need::Users => nix::unistd::geteuid().is_root(),
            Need::NoModule => !std::path::Path::new("/sys/module/pernet").exists(),
            Need::Core => core::Programs::cores().is_some(),
        }
    }
}

/// Tests by name: `cases![module: test, other test needs [what, what]]`.
macro_rules! cases {
    ($($module:ident :: $test:ident $(needs [$($need:expr),+])?),+ $(,)?) => {
        &[$(Case {
            name: concat!(stringify!($module), "::", stringify!($test)),
            run: $module::$test,
            needs: &[$($($need),+)?],
        }),+]
    };
}
const IP: Need = Need::Program("ip");
const PING: Need = Need::Program("ping");
const SETPRIV: Need = Need::Program("setpriv");
const LSNS: Need = Need::Program("lsns");
const PROMETHEUS: Need = Need::Program("prometheus");
const TMUX: Need = Need::Program("tmux");
const PROMTOOL: Need = Need::Program("promtool");
const SYSTEMD: Need = Need::Program("systemd-analyze");
const NFT: Need = Need::Program("nft");
const SETSID: Need = Need::Program("setsid");

const CASES: &[Case] = cases![
    node::nodes_are_named_namespaces_with_loopback_up needs [IP],
    node::nodes_come_and_go,
    node::wrong_names_change_nothing,
    node::clashes_change_nothing needs [IP],
    node::a_failure_in_the_middle_undoes_everything,
    node::an_interrupt_undoes_everything,
    node::a_kill_leaves_what_can_be_cleaned_up,
    node::twenty_at_once,
    node::the_end_of_very_many_is_waited_for needs [IP],
    node::foreign_namespaces_are_not_deleted needs [IP],
    node::a_name_that_was_given_away_is_not_ours needs [IP],
    node::a_name_that_ip_deleted_can_be_used_again needs [IP],
    node::links_are_gone_when_their_node_is needs [IP],
    node::a_process_inside_is_pointed_out needs [IP],
    life::a_node_has_namespaces_of_its_own,
    life::a_node_keeps_nothing_of_its_caller,
    life::files_of_a_node_are_for_its_owner,
    life::etc_of_a_node_is_its_own,
    life::hosts_and_links_of_etc_are_its_own_too,
    life::what_the_kernel_refuses_is_said_and_done_without,
    life::names_of_nodes_do_not_pile_up_in_nodes,
    life::a_name_too_long_for_a_host_needs_no_host,
    life::a_node_stops_and_starts_with_its_links,
    life::processes_end_with_their_node,
    life::a_first_process_that_is_killed_takes_all_with_it,
    life::waiting_does_not_keep_others_out,
    life::a_node_outlives_its_name needs [IP],
    life::nodes_without_processes_say_so,
    life::a_namespace_is_adopted_and_let_go needs [IP],
    life::deletion_is_waited_for,
    life::a_node_of_ones_own_user_namespace,
    life::a_stopped_node_is_not_entered,
    life::a_node_keeps_its_name_wherever_it_is_named needs [IP],
    life::a_record_that_cannot_be_read_is_in_nobodys_way,
    vnoded::a_pid_that_cannot_be_said_leaves_nothing,
    ordinary::an_ordinary_user_has_nodes_too needs [Need::Users],
    ordinary::commands_run_in_an_ordinary_users_nodes needs [IP, Need::Users],
    ordinary::nodes_of_others_are_closed needs [Need::Users],
    ordinary::what_takes_root_says_so needs [Need::Users],
    crash::node_add_can_be_killed_anywhere needs [IP, LSNS, Need::Users],
    crash::node_add_net_only_can_be_killed_anywhere needs [IP, LSNS, Need::Users],
    crash::link_add_can_be_killed_anywhere needs [IP, LSNS, Need::Users],
    crash::link_add_to_a_bridge_can_be_killed_anywhere needs [IP, LSNS, Need::Users],
    crash::bridge_add_can_be_killed_anywhere needs [IP, LSNS, Need::Users],
    crash::node_del_can_be_killed_anywhere needs [IP, LSNS, Need::Users],
    crash::link_del_can_be_killed_anywhere needs [IP, LSNS, Need::Users],
    crash::cleanup_can_be_killed_anywhere needs [IP, LSNS, Need::Users],
    crash::vnoded_can_be_killed_anywhere needs [IP, LSNS, Need::Users],
    crash::an_interrupt_anywhere_undoes_node_add needs [IP, LSNS, Need::Users],
    crash::an_interrupt_anywhere_undoes_link_add needs [IP, LSNS, Need::Users],
    crash::an_interrupt_anywhere_undoes_bridge_add needs [IP, LSNS, Need::Users],
    crash::a_first_process_can_die_anywhere needs [IP, LSNS, Need::Users],
    crash::a_pid_that_is_anothers_now_is_left_alone,
    crash::devices_that_took_the_place_of_ours_are_left_alone needs [IP],
    crash::devices_of_ours_that_were_changed_are_removed needs [IP],
    crash::cleanup_says_what_it_removes,
    crash::cores_cleanup_removes_what_is_ours needs [IP],
    crash::what_a_node_made_in_itself_is_cleaned_up_too,
    labs::a_lab_is_made_and_removed needs [IP, PING, Need::Users],
    lab_parts::links_between_bridges_go_with_the_lab needs [IP, Need::Users],
    labs::a_change_is_the_smallest_that_leads_to_the_file needs [IP, Need::Users],
    labs::what_others_took_away_is_made_again needs [PING, Need::Users],
    labs::addresses_are_tried_for_duplicates_where_asked needs [IP, Need::Users],
    labs::what_is_in_the_way_changes_nothing needs [IP, Need::Users],
    labs::a_lab_of_many_nodes_is_spread_over_the_cores needs [PING, Need::Users],
    lab_commands::commands_are_started_and_waited_for needs [IP, PING, Need::Users],
    lab_commands::what_runs_is_not_started_again_by_a_change_that_fails needs [Need::Users],
    lab_record::a_lab_that_somebody_is_at_work_on_is_left_alone needs [Need::Program("pidof"), Need::Users],
    lab_record::a_lab_whose_maker_died_says_so needs [Need::Program("pidof"), Need::Users],
    lab_record::a_lab_is_changed_from_where_it_was_made needs [IP, Need::Users],
    lab_record::how_nodes_are_is_shown needs [Need::Users],
    lab_parts::a_link_of_a_lab_is_the_labs needs [Need::Users],
    lab_parts::a_port_that_is_no_more_stops_a_change_before_it_begins needs [IP, Need::Users],
    lab_undo::every_step_that_fails_is_undone needs [IP, Need::Users],
    lab_undo::every_step_of_a_change_that_fails_is_undone needs [IP, Need::Users],
    lab_undo::a_change_that_fails_early_is_undone needs [IP, Need::Users],
    lab_undo::a_kill_leaves_what_down_removes needs [Need::Users],
    lab_undo::an_interrupt_anywhere_undoes_up needs [Need::Users],
    lab_parts::cleanup_knows_labs needs [Need::Users],
    exec::statuses_are_the_commands,
    exec::sys_and_etc_are_the_nodes,
    exec::where_sys_is_right_already_nothing_is_said needs [Need::Users],
    exec::any_named_namespace_will_do needs [IP],
    exec::signals_and_descriptors_are_the_commands,
    exec_node::all_namespaces_are_the_nodes,
    exec_node::statuses_in_a_node,
    exec_node::a_caller_that_ignores_its_children_is_told,
    exec_node::signals_reach_the_whole_group,
    exec_node::a_command_dies_with_its_client,
    exec_node::a_detached_command_stays,
    exec_node::time_is_limited,
    exec_node::environment_and_directory,
    exec_node::users_are_the_nodes needs [Need::Users],
    exec_node::a_user_has_no_capabilities needs [Need::Users],
    exec_node::a_user_namespace_is_entered_too needs [SETPRIV, Need::Users],
    exec_several::lines_say_whose_they_are,
    exec_several::the_largest_status_counts,
    exec_several::json_tells_all,
    exec_several::so_many_at_a_time,
    exec_several::a_signal_ends_them_all,
    exec_several::a_reader_that_stops_ends_them_all,
    exec_several::what_cannot_be_meant_is_refused,
    exec_terminal::a_command_has_a_terminal_of_the_same_size needs [SETSID],
    exec_terminal::keys_reach_the_command needs [SETSID],
    exec_terminal::a_command_without_one_takes_its_turn_at_ours needs [SETSID],
    exec_terminal::a_terminal_can_be_asked_for,
    link::the_wikis_lab needs [PING],
    link::two_nodes_without_a_bridge needs [IP],
    link::settings_are_applied needs [IP],
    link::ipv6_is_ready_at_once needs [PING],
    link::nothing_is_sent_unasked,
    link::wrong_links_change_nothing needs [IP],
    link::a_failure_in_the_middle_undoes_the_link needs [IP],
    link::links_are_deleted_by_either_end needs [IP],
    bridge::bridges_are_listed_with_their_ports,
    bridge::only_bridges_of_pernet_are_deleted needs [IP],
    bridge::spanning_tree_has_its_limits,
    lab_file::a_file_is_checked_and_nothing_made,
    lab_file::all_that_is_wrong_is_told_at_once,
    lab_file::the_examples_are_right,
    lab_file::the_schema_is_the_published_one,
    lab_file::a_session_of_core_becomes_a_file,
    lab_file::a_shape_of_mininet_becomes_a_file,
    lab_file::a_lab_is_drawn,
    reference::nodes_are_named_as_namespaces_are,
    reference::every_form_leads_to_one_namespace needs [IP],
    reference::a_namespace_is_found_by_what_holds_it needs [IP],
    reference::a_number_that_could_be_several_is_refused,
    reference::every_kind_of_candidate_is_listed needs [IP],
    reference::a_number_that_means_one_in_two_ways_is_not_refused needs [IP],
    reference::files_of_a_name_are_for_who_says_the_name,
    reference::names_that_look_like_other_forms_are_reached,
    reference::wrong_references_change_nothing,
    reference::one_end_said_in_two_ways_is_one,
    reference::a_process_without_a_namespace_is_pointed_out,
    reference::a_process_of_another_is_pointed_out needs [SETPRIV],
    core::our_programs_with_each_other needs [SETSID],
    core::our_vnoded_with_cores_vcmd needs [Need::Core, SETSID],
    core::cores_vnoded_with_our_vcmd needs [Need::Core, SETSID],
    core::our_programs_answer_as_cores_do needs [Need::Core],
    core::netns_runs_a_first_process,
    core::netns_has_cores_exit_statuses,
    core::netns_says_which_signal_ended_the_command,
    core::netns_is_for_root needs [SETPRIV, Need::Users],
    vnoded::a_node_has_namespaces_of_its_own,
    vnoded::its_files_are_complete_at_once,
    vnoded::relative_paths_and_directories,
    vnoded::without_namespaces_it_stays,
    vnoded::it_has_cores_exit_statuses,
    vnoded::what_fails_leaves_nothing,
    vnoded::its_end_is_that_of_all_its_processes,
    claim::a_killed_one_can_be_replaced,
    claim::a_live_one_is_left_alone,
    claim::of_twenty_one_wins,
    vnoded::it_holds_on_to_nothing_of_its_callers,
    vnoded::a_full_log_is_no_end,
    vnoded::orphans_are_reaped,
    claim::others_are_turned_away needs [SETPRIV, Need::Users],
    claim::a_group_may_be_let_in needs [SETPRIV, Need::Users],
    channel::a_connection_has_any_number_of_commands,
    channel::output_is_the_clients,
    channel::a_signal_is_for_a_command_of_the_same_connection,
    channel::rejected_messages_have_no_answer_and_no_effect,
    channel::descriptors_come_in_threes,
    channel::descriptors_that_there_is_no_room_for_are_closed needs [Need::Program("prlimit")],
    channel::a_packet_has_its_limits,
    channel::a_client_that_never_reads_is_nobodys_problem,
    channel::a_signal_at_once_does_no_harm,
    vcmd::its_exit_status_is_the_commands,
    vcmd::input_output_and_surroundings,
    vcmd::signals_are_passed_on,
    vcmd::a_node_that_ends_ends_it,
    terminal::a_command_has_a_terminal_of_its_own needs [SETSID],
    terminal::its_size_follows needs [SETSID],
    terminal::keys_reach_the_command needs [SETSID],
    terminal::it_can_be_forced,
    doctor::everything_is_looked_at_and_nothing_changed,
    doctor::rules_that_drop_bridged_frames_are_a_failure needs [NFT],
    doctor::the_largest_bridge_counts needs [IP],
    doctor::a_limit_that_is_reached_is_a_failure,
    doctor::an_ordinary_user_may_ask needs [SETPRIV, Need::Users],
    top::the_busiest_is_first_on_80_columns needs [PING, TMUX, Need::NoModule],
    top::keys_lead_into_a_namespace_and_back needs [PING, TMUX, Need::NoModule],
    top::the_terminal_is_given_back_at_a_signal needs [TMUX],
    top::it_stops_and_goes_on_as_other_programs needs [TMUX],
    top::colours_are_for_who_wants_them needs [TMUX],
    top::it_follows_the_size_of_the_terminal needs [TMUX],
    top::without_a_terminal_it_says_what_to_use,
    export::counts_and_labels_are_those_of_the_nodes needs [PING, Need::NoModule],
    export::promtool_finds_nothing_wrong needs [PING, PROMTOOL],
    export::prometheus_scrapes_it needs [IP, PING, PROMETHEUS, PROMTOOL, Need::NoModule],
    export::it_speaks_openmetrics_too needs [IP],
    export::who_is_slow_or_sends_too_much_harms_nobody needs [IP],
    export::a_textfile_is_whole_or_as_it_was,
    export::what_cannot_be_listened_to_is_said needs [IP],
    export::alert_rules_do_what_they_say needs [PROMTOOL],
    export::the_dashboard_asks_for_what_there_is needs [Need::NoModule],
    export::the_service_is_right_and_confined needs [SYSTEMD],
    stat::without_the_module_one_line_says_what_to_load needs [Need::NoModule],
    stat::without_the_module_the_kernel_itself_is_asked needs [PING, Need::NoModule],
    stat::a_device_may_be_called_anything needs [IP],
    stat::counts_since_a_snapshot_are_those_in_between needs [PING, Need::NoModule],
    stat::namespaces_are_chosen_and_put_in_order needs [PING, Need::NoModule],
    stat::rates_are_shown_again_and_again needs [PING, Need::NoModule],
    monitor::the_state_comes_first_and_then_names_that_come_and_go needs [Need::NoModule],
    monitor::it_ends_with_those_that_it_watches needs [Need::NoModule],
    monitor::what_there_is_no_room_for_is_reported needs [IP, Need::NoModule],
    monitor::without_the_module_it_says_what_it_can_tell needs [Need::NoModule],
    inventory::an_open_file_is_found,
    inventory::a_file_that_was_opened_by_its_name_is_found,
    inventory::a_socket_is_found,
    inventory::a_thread_is_found,
    inventory::an_open_file_about_a_namespace_is_a_holder,
    inventory::a_mount_that_only_others_see_is_found,
    inventory::what_is_in_a_namespace_is_shown,
    inventory::names_of_others_do_nothing_to_a_terminal needs [IP],
    inventory::others_see_no_processes_of_root needs [SETPRIV, Need::Users],
    manners::every_command_has_a_page,
    manners::pages_are_well_formed needs [Need::Program("groff")],
    manners::what_is_told_can_be_had_as_json needs [Need::Users],
    manners::a_reader_that_stops_is_no_error needs [Need::Users],
    manners::colours_are_for_terminals needs [Need::Program("script"), Need::Users],
    manners::bash_completes_commands_and_options,
];

fn main() -> ExitCode {
    if let Ok(name) = env::var(INSIDE) {
        let case = CASES.iter().find(|case| case.name == name);
        (case.expect("a test of that name").run)(&Lab::set_up());
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let isolation = isolation();
    let mut trials: Vec<Trial> = CASES.iter().map(|case| trial(case, isolation)).collect();
    trials.push(
        Trial::test("machine::nothing_is_left_behind", move || {
            machine::nothing_is_left_behind(isolation)
        })
        .with_ignored_flag(isolation.is_none()),
    );
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(case: &'static Case, isolation: Option<&'static [&'static str]>) -> Trial {
    let runnable = isolation.is_some() && case.needs.iter().all(|need| need.is_met());
    Trial::test(case.name, move || run_inside(case.name, isolation)).with_ignored_flag(!runnable)
}

/// How to get namespaces here, if at all: as root, or as anybody where user
/// namespaces are allowed.
fn isolation() -> Option<&'static [&'static str]> {
    const ROOT: &[&str] = &[
        "--mount",
        "--net",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
    ];
    const ANYBODY: &[&str] = &[
        "--user",
        "--map-root-user",
        "--mount",
        "--net",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
    ];
    let works = |how: &&[&str]| {
        let tried = Command::new("unshare").args(*how).arg("true").output();
        tried.is_ok_and(|output| output.status.success())
    };
    [ROOT, ANYBODY].into_iter().find(works)
}

/// Runs a test in a process and namespaces of its own.
fn run_inside(name: &str, isolation: Option<&[&str]>) -> Result<(), Failed> {
    let isolation = isolation.ok_or("no namespaces can be made here")?;
    let this = env::current_exe()?;
    // A background job of a shell has some signals ignored, which would go down to
    // the commands of the tests. And a test that hangs has an end.
    let output = Command::new("env")
        .args([
            "--default-signal",
            "timeout",
            "--signal=KILL",
            "180",
            "unshare",
        ])
        .args(isolation)
        .arg(this)
        .env(INSIDE, name)
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Err(format!(
        "{}\n{}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    )
    .into())
}

fn find_program(name: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| directory.join(name).is_file())
}
