// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/bytes.hpp>
#include <uk/list.hpp>
#include <uk/net/http_body.hpp>
#include <uk/net/http_wire.hpp>
#include <uk/packet.hpp>
#include <uk/result.hpp>
#include <uk/scheduler.hpp>
#include <uk/task.hpp>
#include <uk/time.hpp>
#include <uk/timer.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <utility>

/// What the types of a stack and of its connections have in common for requests and responses, so that these, and
/// handlers with them, are no templates.
namespace uk::net::http {

/// Up to 49 days, in milliseconds.
using short_time = std::chrono::duration<std::uint32_t, std::milli>;

/// What a server grants its clients. Every wait has an end and every buffer a bound.
struct limits {
    /// Connections served at one time. One more client takes the place of the one idle longest. Each has a task of
    /// about 700 octets in the loop's frame memory, and some 2 KiB more while it answers a request: choose both
    /// together.
    std::uint32_t connections = 32;
    /// Octets of a request's line and fields; at most what a packet buffer holds. Beyond: 414 or 431.
    std::uint32_t head_octets = 1400;
    /// Heads at one time that came in pieces, each of which costs a packet buffer. One more ends the oldest.
    std::uint32_t split_heads = 8;
    /// Field lines of a request. Beyond: 431.
    std::uint32_t fields = 32;
    /// Octets of a request's body. Bodies are streamed, so this is no matter of memory. Beyond: 413.
    std::uint64_t body_octets = std::uint64_t{1} << 30;
    /// Octets of a body that the handler left unread which are skipped to keep the connection.
    std::uint32_t discard_octets = 64 * 1024;
    /// Requests on one connection; the last response says so.
    std::uint32_t requests = 10'000;
    /// From the first octet of a request's head to its last.
    short_time head_timeout = std::chrono::seconds(10);
    /// Until more of a body comes. A body must also come at `body_rate` octets per second, with this for a start.
    short_time body_timeout = std::chrono::seconds(30);
    std::uint32_t body_rate = 512;
    /// Between requests.
    short_time idle_timeout = std::chrono::seconds(60);
    /// Until the peer has taken enough to let 16 KiB more into the send queue.
    short_time write_timeout = std::chrono::seconds(30);
    /// What is still read after the last response, so that the client sees it before a reset (RFC 9112 section 9.6).
    short_time linger_timeout = std::chrono::seconds(2);
    std::uint32_t linger_octets = 2 * 1024 * 1024;
};

/// What happened since the server started. All wrap.
struct counters {
    std::uint32_t open = 0;  ///< connections now
    std::uint32_t accepted = 0;
    std::uint32_t requests = 0;
    std::array<std::uint32_t, 5> responses{};  ///< by the first digit of the status
    std::array<std::uint32_t, 4> timed_out{};  ///< waiting idle, for a head, for a body, to write
    std::uint32_t evicted_idle = 0;
    std::uint32_t evicted_head = 0;
    std::uint32_t no_memory = 0;
    std::uint32_t handler_failed = 0;
    std::array<std::uint32_t, fault_count> refused{};  ///< by fault; the first is always 0

    /// For uk::counter_list.
    static constexpr std::string_view names =
        "open accepted requests responses_1xx responses_2xx responses_3xx responses_4xx responses_5xx timed_out_idle "
        "timed_out_head timed_out_body timed_out_write evicted_idle evicted_head no_memory handler_failed no_fault "
        "bare_line_feed bad_request_line bad_target bad_version unknown_method target_too_long head_too_long "
        "too_many_fields bad_field folded_field bad_host bad_length length_and_coding bad_coding unknown_coding "
        "unknown_expectation body_too_long bad_chunk no_buffers";
};

/// A connection's place in its server. Destroying `frame` ends the connection with all that it was doing.
struct session_entry : list_node {
    std::coroutine_handle<> frame;
};

/// A server, but for its handler.
struct server_state {
    server_state(uk::scheduler& on, packet_store& packets, const limits& l) : home(on), store(packets), limit(l) {}
    server_state(const server_state&) = delete;
    server_state& operator=(const server_state&) = delete;
    ~server_state() {
        idle.take_all(split);
        idle.take_all(busy);
        while (!idle.empty()) idle.pop_front().frame.destroy();
    }

    uk::scheduler& scheduler() { return *home; }

    /// Ends the connection that has waited longest for a request; false when none does.
    bool evict_idle() {
        if (idle.empty()) return false;
        ++count.evicted_idle;
        idle.pop_front().frame.destroy();
        return true;
    }

    /// A connection ended or became idle.
    [[gnu::noinline]] void freed() {
        if (std::exchange(full, false)) home->make_ready(next);
    }

    [[no_unique_address]] scheduler_link home;
    [[no_unique_address]] packet_store_link store;
    waiter next;  ///< who waits until a connection ends or becomes idle
    list<session_entry> idle;
    list<session_entry> split;  ///< a head is being gathered
    list<session_entry> busy;
    std::uint32_t splits = 0;
    bool full = false;  ///< somebody waits
    const limits& limit;
    counters count;
};

/// How far the body of a request has been read.
struct body_progress {
    body_reader reader;
    bool tell_to_continue = false;  ///< the client waits for it (RFC 9110 section 10.1.1)
};

class transport;
class conversation;
struct exchange;

/// What a conversation asks of the task that serves it.
enum class step : std::uint8_t {
    read,    ///< wait for octets and put them into `unread`
    handle,  ///< let the handler answer `now`
    send,    ///< send what `prepare` got
    pause,   ///< until the time set is over
    part,    ///< finish the sending side
    end,     ///< close the connection
    abort,
};

/// Supplied by the owner of a transport, who knows the type of the connection. `begin` reads, or writes the next part
/// of what was prepared; false when that is done already, else `h` is resumed then. `end` says how it went: octets
/// received are in `unread`. `cancel` gives it up, if there is any. What takes too long ends the connection.
struct transport_operations {
    bool (*begin)(transport&, std::coroutine_handle<> h);
    result<> (*end)(transport&);
    void (*cancel)(transport&);
    /// What is left of a body that its handler may have read: whether the connection may be kept, and the step that
    /// skips it. Null where no handler is a task: none can read one then, and a connection ends with its first body.
    bool (*may_skip_body)(conversation&) = nullptr;
    step (*skip_body)(conversation&) = nullptr;
};

/// What a connection waits for.
enum class waiting : std::uint8_t { nothing, idle, head, body, write, linger, buffers };

/// Where a conversation is.
enum class stage : std::uint8_t { head, handling, sending, linger, late, refusing, broken };

/// The members of a transport: what is used most stands first, within reach of short displacements.
struct transport_state {
    transport_state(server_state& s, const transport_operations& o) : server(s), calls(o) {}

    server_state& server;
    const transport_operations& calls;
    bytes unread{};           ///< received, not yet consumed
    exchange* now = nullptr;  ///< the request that is being answered
    waiting doing = waiting::nothing;
    bool answered = false;    ///< octets of the current response were sent
    bool no_buffers = false;  ///< what was to be sent next found no buffer
    bool body_started = false;
    bool constant_data = false;
    bool sending = false;          ///< `begin` writes
    std::uint8_t pauses = 0;       ///< of a request that finds no buffers
    std::uint8_t pieces_sent = 0;  ///< pieces of the response
    stage at = stage::head;
    std::uint32_t left = 0;      ///< octets that are still skipped
    std::uint32_t received = 0;  ///< octets that came with the last read
    std::uint32_t line = 0;      ///< where the last line of a head in pieces begins
    bytes head_to_send{};
    bytes data_to_send{};
    packet gathered;  ///< of a head that came in pieces
    session_entry entry;
    packet page;  ///< an error page being sent
    instant body_deadline{};
    std::uint32_t number = 0;  ///< of the request
};

/// A connection as requests and responses see it: octets in, octets out, and the deadline of whatever it waits for.
class transport : public transport_state, public timer {
public:
    using operations = transport_operations;
    using waiting = http::waiting;

    transport(server_state& s, const operations& o, action expired) : transport_state(s, o), timer(expired) {
        ++server.count.open;
        server.busy.push_back(entry);
    }
    ~transport() {
        drop_gathered();
        --server.count.open;
        server.freed();
    }

    uk::scheduler& scheduler() { return *server.home; }

    /// From now on the connection waits for `what`, `for_long` at most.
    void wait(waiting what, short_time for_long) { wait_until(what, server.home->now() + for_long); }
    void wait_until(waiting what, instant end) {
        doing = what;
        server.home->timers.arm(*this, end);
    }
    void wait_no_more() {
        doing = waiting::nothing;
        cancel();
    }

    /// Before a read between requests: the connection is idle until the first octet of a head has come.
    void wait_for_head() {
        if (gathered) {
            if (doing != waiting::head) wait(waiting::head, server.limit.head_timeout);
            return;
        }
        wait(waiting::idle, server.limit.idle_timeout);
        become_idle();
    }

    /// From now on the connection may be closed in favour of another.
    void become_idle() {
        server.idle.push_back(entry);
        server.freed();
    }

    /// Cuts the next head off `unread` into `head`, which stays empty while more octets are needed. A head that is
    /// whole in one piece is left where it lies; one that comes in pieces is gathered in a packet buffer.
    [[gnu::noinline]] fault next_head(std::string_view& head) {
        while (!unread.empty()) {
            const std::size_t before = gathered.size();
            const std::size_t n = std::min(head_room() - before, unread.size());
            bytes text = unread.first(n);
            if (gathered) {
                copy(gathered.push_back(n), text);
                text = gathered.contents();
            }
            const head_end end = find_head_end(as_text(text), line);
            if (end.wrong != fault::none) return end.wrong;
            if (end.size == 0) {
                if (text.size() == head_room()) return too_long();
                if (gathered) {
                    unread = {};
                    return fault::none;
                }
                line = 0;
                if (!start_gathering()) return fault::no_buffers;
                continue;
            }
            unread = unread.subspan(end.size - before);
            line = 0;
            if (end.size != 2) {
                head = as_text(text.first(end.size));
                server.busy.push_back(entry);
                return fault::none;
            }
            drop_gathered();
        }
        return fault::none;
    }

    /// Before a read within a body. Every octet earns the time that it may take at the slowest rate allowed.
    [[gnu::noinline]] void wait_for_body() {
        const std::uint64_t rate = std::max<std::uint64_t>(server.limit.body_rate, 1);
        body_deadline = body_deadline + duration(static_cast<std::int64_t>(received * 1'000'000'000ULL / rate));
        const instant latest = server.home->now() + server.limit.body_timeout;
        if (!body_started || body_deadline > latest) body_deadline = latest;
        body_started = true;
        wait_until(waiting::body, body_deadline);
    }

    /// More was received.
    void received_more(bytes octets) {
        unread = octets;
        received = static_cast<std::uint32_t>(octets.size());
    }

    /// What is to be sent: two pieces. `constant` means that the second outlives the connection and is sent from where
    /// it lies.
    void prepare(bytes head, bytes data, bool constant) {
        head_to_send = head;
        data_to_send = data;
        constant_data = constant;
    }
    bool more_to_send() const { return !head_to_send.empty() || !data_to_send.empty(); }

    /// The same, and waits until the connection has taken all.
    task<> send(bytes head, bytes data, bool constant) {
        prepare(head, data, constant);
        return send_prepared();
    }

    /// The next piece of a body, empty at its end; sends `100 (Continue)` first where `body` says so.
    inline task<result<bytes>> read_body(body_progress& body);

    /// The octets that the connection shall take next. `in_place`: they outlive it.
    bytes next_to_send(bool& in_place) {
        in_place = constant_data && head_to_send.empty();
        bytes& from = head_to_send.empty() ? data_to_send : head_to_send;
        const bytes next = in_place ? from : from.first(std::min(from.size(), most_at_once));
        from = from.subspan(next.size());
        return next;
    }

    void count_timeout() {
        if (doing != waiting::nothing && doing < waiting::linger) {
            ++server.count.timed_out[static_cast<std::size_t>(doing) - 1];
        }
    }

    /// The head is not needed any more.
    void drop_gathered() {
        if (gathered) --server.splits;
        gathered.drop();
        line = 0;
    }

private:
    static constexpr std::size_t most_at_once = 16 * 1024;

    inline task<> send_prepared();

    std::size_t head_room() const { return std::min<std::size_t>(server.limit.head_octets, server.store->capacity()); }
    // No line end yet: it is the request line that is too long (RFC 9110 section 15.5.15).
    fault too_long() const { return line == 0 ? fault::target_too_long : fault::head_too_long; }
    inline bool start_gathering();
};

/// For tasks: one reading or writing of the connection.
class transfer {
public:
    transfer(transport& io, bool sending) : io_(&io) { io.sending = sending; }
    transfer(const transfer&) = delete;
    transfer& operator=(const transfer&) = delete;
    ~transfer() {
        if (io_ != nullptr) io_->calls.cancel(*io_);
    }
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> h) { return io_->calls.begin(*io_, h); }
    result<> await_resume() {
        transport& io = *std::exchange(io_, nullptr);
        return io.calls.end(io);
    }

private:
    transport* io_;
};

inline task<> transport::send_prepared() {
    if (no_buffers) co_return fail(error::no_buffers);
    while (more_to_send()) {
        const result<> sent = co_await transfer(*this, true);
        if (!sent) co_return sent;
    }
    co_return {};
}

inline task<result<bytes>> transport::read_body(body_progress& body) {
    while (true) {
        const result<bytes> piece = body.reader.next(unread);
        if (!piece || !piece->empty() || body.reader.done()) co_return piece;
        if (std::exchange(body.tell_to_continue, false)) {
            const result<> sent = co_await send(as_bytes("HTTP/1.1 100 Continue\r\n\r\n"), {}, false);
            if (!sent) co_return fail(sent.error());
        }
        wait_for_body();
        const result<> got = co_await transfer(*this, false);
        wait_no_more();
        if (!got) co_return fail(got.error());
    }
}

inline bool transport::start_gathering() {
    if (server.splits >= server.limit.split_heads && !server.split.empty()) {
        ++server.count.evicted_head;
        server.split.pop_front().frame.destroy();
    }
    new (&gathered) packet(server.store->take_spare(0));  // in the place of an empty handle
    if (!gathered) return false;
    ++server.splits;
    server.split.push_back(entry);
    return true;
}

}  // namespace uk::net::http
