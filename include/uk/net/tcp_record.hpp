// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/counters.hpp>
#include <uk/event.hpp>
#include <uk/net/tcp_features.hpp>
#include <uk/net/tcp_receive_queue.hpp>
#include <uk/net/tcp_send_queue.hpp>
#include <uk/net/tcp_state.hpp>
#include <uk/net/tcp_timing.hpp>
#include <uk/timer.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace uk::net {

/// The sizes and times of a stack's TCP.
struct tcp_limits {
    /// Connections at one time, in any state; the memory for all of them is there from the start. At most 65,534.
    std::uint16_t connections = 64;
    /// Ports that can be listened on at one time, at most 254.
    std::uint8_t listeners = 4;
    /// For each of these, connections that are being opened or wait to be accepted.
    std::uint16_t backlog = 32;
    /// The receive window: octets of a connection that wait for the application or are held by it. At most 65,535, or
    /// 2^30 - 1 with `features.window_scale`.
    std::uint32_t receive_window = 11'680;
    /// Packet buffers that a connection may tie up with received text; as many again with text that came early.
    std::uint16_t receive_buffers = 10;
    /// Packet buffers that a connection may tie up with text to be sent. Constant octets need one for each range of
    /// more than `tcp_copied`.
    std::uint16_t send_buffers = 8;
    /// Packet buffers of the stack's pool that are kept for reception and for the connections that have none; see
    /// tcp_core.hpp for the rule.
    std::uint16_t reserve = 8;
    /// How long a connection that we closed first is remembered (2 MSL; RFC 9293 section 3.4.2 speaks of 4 minutes; the
    /// sequence check of section 3.6.1 and the keyed numbers of RFC 6528 are what keeps old segments out).
    std::uint32_t time_wait_ms = 10'000;
    /// How long a connection without an owner waits for the peer's FIN.
    std::uint32_t fin_wait_ms = 30'000;
    /// The longest delay of an acknowledgment; below 500 (RFC 9293 MUST-40).
    std::uint32_t ack_delay_ms = 40;
    /// Timeouts in a row before a connection is given up (R2: at least 100 s; `set_retries` changes it for one), while
    /// we open it (R2: at least 3 minutes), and while the peer does (RFC 9293 MUST-20 to MUST-23).
    std::uint8_t retries = 9;
    std::uint8_t connect_retries = 7;
    std::uint8_t accept_retries = 4;
    /// Records of segments under way, beyond one for each connection: what all connections together may have sent
    /// before it is acknowledged. Only with `features.sack`; 24 octets each.
    std::uint16_t segments = 128;
    /// For connections that ask for it: quiet until the first question (MUST-28: not less than two hours, unless the
    /// application knows better), between questions, and questions until the peer counts as gone.
    std::uint32_t keep_alive_ms = 7'200'000;
    std::uint32_t keep_alive_interval_ms = 75'000;
    std::uint8_t keep_alive_probes = 9;
    tcp_features features{};
};

/// What TCP counts.
enum class tcp_count : std::uint8_t {
    segments_in,
    segments_out,
    bad_checksum,
    bad_header,
    not_unicast,
    no_listener,
    backlog_full,
    table_full,
    out_of_window,
    bad_ack,
    bad_reset,
    bad_syn,
    no_ack,
    not_syn,
    no_room,
    early,
    challenge_acks,
    resets_out,
    retransmits,
    fast_retransmits,
    timeouts,
    probes,
    given_up,
    opened,
    send_failed,
    // Of features:
    old_stamps,
    no_stamp,
    tail_probes,
    cookies_out,
    cookies_in,
    keep_alives,
    path_errors,
    last,
};
inline constexpr std::string_view tcp_core_count_names =
    "segments_in segments_out bad_checksum bad_header not_unicast no_listener backlog_full table_full out_of_window "
    "bad_ack bad_reset bad_syn no_ack not_syn no_room early challenge_acks resets_out retransmits fast_retransmits "
    "timeouts probes given_up opened send_failed";
inline constexpr std::string_view tcp_count_names =
    "segments_in segments_out bad_checksum bad_header not_unicast no_listener backlog_full table_full out_of_window "
    "bad_ack bad_reset bad_syn no_ack not_syn no_room early challenge_acks resets_out retransmits fast_retransmits "
    "timeouts probes given_up opened send_failed old_stamps no_stamp tail_probes cookies_out cookies_in keep_alives "
    "path_errors";
static_assert(counter_list::words(tcp_count_names) == static_cast<std::size_t>(tcp_count::last));
static_assert(counter_list::words(tcp_core_count_names) == static_cast<std::size_t>(tcp_count::old_stamps));
static_assert(tcp_count_names.starts_with(tcp_core_count_names));

class tcp_core;
struct tcp_listening;

/// Octets of text up to this many are copied behind a segment's header; more are sent from where they lie.
inline constexpr std::size_t tcp_copied = 512;

/// A write that waits for room: lives in the awaiter.
struct tcp_writer : waiter {
    bytes rest;
    bool constant = false;
    bool failed = false;
    error why = error::closed;
};

/// What the one timer of a connection is for.
enum class tcp_timer_use : std::uint8_t {
    none,
    retransmit,
    reorder,  ///< RACK: until what was overtaken counts as lost
    tail,     ///< TLP: until the last segment is probed for
    persist,
    keep_alive,
    fin_wait,
    time_wait,
};

/// The ends of a connection, from here.
struct tcp_ends {
    ip4_address local;
    ip4_address remote;
    std::uint16_t local_port = 0;
    std::uint16_t remote_port = 0;

    friend constexpr bool operator==(const tcp_ends&, const tcp_ends&) = default;
};

/// The urgent marks of a connection (RFC 9293 section 3.8.5), each one past the urgent text.
struct tcp_marks {
    seq own;
    seq peers;
    bool own_set = false;
    bool peers_set = false;
    bool news = false;  ///< the application was not told of the peer's yet
};

/// The place of a connection in the part's lists: to be sent, to be looked at later, or in TIME-WAIT.
struct tcp_node : list_node {};

/// Its place among those that wait to be accepted.
struct tcp_accept_node : list_node {};

/// What of a connection begins anew with each use of its record. Small and much used things first: their places fit an
/// octet in the code.
struct tcp_state_of {
    tcb control;
    std::uint8_t acks_owed = 0;  ///< duplicate acknowledgments to send
    std::uint8_t unacked = 0;    ///< segments received since the last acknowledgment
    std::uint8_t silent = 0;     ///< timeouts since the peer was last heard
    std::uint8_t retries = 0;    ///< R2
    tcp_timer_use use = tcp_timer_use::none;
    error outcome = error::closed;  ///< why it is closed, once it is
    bool owned = false;             ///< an application holds a handle
    bool hashed = false;
    bool ack_now = false;
    bool ack_later = false;
    bool repeat = false;  ///< send the segment at una again
    bool probe = false;
    bool reset = false;        ///< send a RST and forget the connection
    std::uint8_t service = 0;  ///< DS field of what is sent
    bool no_delay = false;
    bool starved = false;  ///< something could not be done for want of buffers
    bool challenged = false;
    bool unreachable = false;        ///< the network says so, and nothing has got through since
    bool tail_probe = false;         ///< send something new, or the last segment again
    bool keep_alive = false;         ///< asked for
    bool question = false;           ///< send a keep-alive now
    std::uint16_t held_buffers = 0;  ///< received text in the application's hands
    std::uint32_t held = 0;
    tcp_rtt rtt;
    tcp_ticks sent_at = 0;  ///< when text was last sent
    tcp_ticks challenged_at = 0;
    tcp_marks marks;
    tcp_ends ends;
};

/// A connection of the table. Everything about it but what depends on the policy and the features.
struct tcp_record : tcp_state_of, timer, tcp_node, tcp_accept_node {
    tcp_record();

    tcp_listening* listener = nullptr;  ///< what it belongs to until it is accepted
    waiter* reader = nullptr;
    tcp_writer* writer = nullptr;
    waiter* flusher = nullptr;   ///< waits until all is acknowledged
    waiter* observer = nullptr;  ///< waits for an urgent mark
    tcp_send_queue send;
    tcp_receive_queue receive;
    tcp_core* core = nullptr;
    tcp_record* next = nullptr;  ///< of the hash chain, or of the free list
    std::uint16_t generation = 0;

    bool orphan() const { return !owned && listener == nullptr; }
    bool open() const { return control.state != tcp_state::closed && !reset; }
};

/// Names a connection from outside the table: stale once the record has been used for another one.
struct tcp_reference {
    tcp_record* record = nullptr;
    std::uint16_t generation = 0;
};

/// A port that is listened on.
struct tcp_listening {
    std::uint16_t port = 0;  ///< 0: free
    std::uint16_t generation = 0;
    std::uint16_t waiting = 0;  ///< connections in both lists
    list<tcp_accept_node> opening;
    list<tcp_accept_node> ready;  ///< established, not accepted yet
    struct tcp_acceptor* acceptor = nullptr;
};

/// Names it from outside the table: stale once it was closed.
struct tcp_listening_reference {
    tcp_listening* place = nullptr;
    std::uint16_t generation = 0;
};

/// A task that waits for a connection: lives in the awaiter. The connection is handed over when the task is woken, so
/// that no other task can take it meanwhile.
struct tcp_acceptor : waiter {
    tcp_reference got;
    bool closed = false;
};

}  // namespace uk::net
