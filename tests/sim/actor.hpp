// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "plan.hpp"

#include <uk/arch/sim_address.hpp>
#include <uk/arch/sim_seat.hpp>
#include <uk/event.hpp>
#include <uk/net/tcp_socket.hpp>
#include <uk/task.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

/// What the applications in a scenario do.
namespace stage {

using namespace uk::literals;
using uk::net::tcp_connection;

inline constexpr std::uint16_t service = 7;
/// Longer than anything takes that is not stuck.
inline constexpr uk::duration patience = 2h;

/// The application of one host from its start to its end or crash.
struct actor {
    scenario& play;
    findings& found;
    uk::sim::seat& where;
    uk::scheduler& on;

    uk::scheduler& scheduler() { return on; }
    void broke(std::string what) { found.add(where.in.now(), std::move(what)); }
};

/// One side of a talk, as it is being held. `of` is null until the name was heard.
struct role {
    role(talk* t, unsigned w, tcp_connection c) : of(t), who(w), connection(std::move(c)) {}

    talk* of;
    unsigned who;
    tcp_connection connection;
    std::array<std::byte, 8> name{};
    std::size_t named = 0;

    progress& me() { return of->side[who]; }
    progress& other() { return of->side[1 - who]; }
    const manner& how() const { return of->how[who]; }
    /// What is still to be heard.
    std::uint64_t missing() const { return of == nullptr ? 8 : of->total(1 - who) - of->side[who].heard; }
};

/// True while the connection can still bring something.
inline bool open(const role& r) { return r.connection.record() != nullptr && r.connection.record()->open(); }

/// Ends one side of a talk.
inline void finish(role& r, progress::end how, uk::error why = uk::error::closed) {
    if (r.of == nullptr || r.me().over != progress::end::none) return;
    r.me().over = how;
    r.me().why = why;
}

/// The server learns from the first octets which talk this is.
inline uk::bytes recognize(actor& a, role& r, uk::bytes text) {
    if (r.of != nullptr) return text;
    const std::size_t n = uk::copy(std::span(r.name).subspan(r.named), text);
    r.named += n;
    if (r.named < r.name.size()) return {};
    const auto name = uk::load_be<std::uint64_t>(r.name.data());
    for (talk& t : a.play.talks) {
        if (t.name == name && t.how[server].host == a.where.number && t.side[server].heard == 0) r.of = &t;
    }
    if (r.of == nullptr) {
        a.broke(
            say("a connection begins with the name {}, which nobody says or which was heard before", uk::hex(name)));
        return {};
    }
    r.me().heard = r.name.size();
    r.connection.set_no_delay(r.how().no_delay);
    return text.subspan(n);
}

/// Looks at what was heard.
inline void hear(actor& a, role& r, uk::bytes text) {
    text = recognize(a, r, text);
    if (r.of == nullptr || text.empty()) return;
    progress& me = r.me();
    if (!r.of->says(1 - r.who).matches(me.heard, text)) {
        a.broke(
            say("talk {}: side {} hears something else at {} ({} octets)", r.of->number, r.who, me.heard, text.size()));
    }
    me.heard += text.size();
    if (me.heard > r.other().said) {
        a.broke(say("talk {}: side {} has heard {} octets, of {}", r.of->number, r.who, me.heard, r.other().said));
    }
}

/// Nothing more comes: it must be all that was said.
inline void hear_end(actor& a, role& r) {
    if (r.of == nullptr) return;
    // A connection that is destroyed is closed behind what was taken of its last write.
    if (r.of->how[1 - r.who].drops && r.other().over == progress::end::aborted) return;
    if (!r.other().shut || r.other().said != r.me().heard) {
        a.broke(say("talk {}: side {} hears the end after {} octets, of {}", r.of->number, r.who, r.me().heard,
                    r.other().said));
    }
}

/// Waits for text, in one go or in many: a read that is given up must lose nothing.
inline uk::task<uk::result<uk::net::tcp_received>> read_patiently(actor& a, role& r) {
    const uk::duration haste = r.of == nullptr ? uk::duration(0) : r.how().haste;
    for (unsigned tries = 0; haste.count() != 0 && tries < 200; ++tries) {
        auto text = co_await uk::within(haste, r.connection.read());
        if (text || text.error() != uk::error::timed_out || !open(r)) co_return text;
    }
    static_cast<void>(a);
    co_return co_await uk::within(patience, r.connection.read());
}

/// One read; fails when the talk is over for this side.
inline uk::task<> listen_on(actor& a, role& r) {
    if (r.of != nullptr && r.how().pause.count() != 0) co_await uk::sleep(r.how().pause);
    auto text = co_await read_patiently(a, r);
    if (!text) {
        if (text.error() == uk::error::closed) hear_end(a, r);
        finish(r, text.error() == uk::error::closed ? progress::end::done : progress::end::failed, text.error());
        co_return uk::fail(text.error());
    }
    hear(a, r, text->contents());
    if (r.of != nullptr && r.how().aborts && r.me().heard >= r.how().abort_after) {
        finish(r, progress::end::aborted);
        if (!r.how().drops) r.connection.abort();
        r.connection = {};
        co_return uk::fail(uk::error::cancelled);
    }
    if (r.of == nullptr && r.named == r.name.size()) co_return uk::fail(uk::error::invalid);
    co_return {};
}

/// Listens until `until` octets are heard in all.
inline uk::task<> listen_until(actor& a, role& r, std::uint64_t until) {
    while (r.of == nullptr || r.me().heard < until) {
        const uk::result<> heard = co_await listen_on(a, r);
        if (heard) continue;
        // Closed, but too early for this side's script.
        if (r.of != nullptr && r.me().over == progress::end::done) r.me().over = progress::end::failed;
        co_return heard;
    }
    co_return {};
}

inline uk::task<> listen_to_end(actor& a, role& r) {
    while (true) {
        const uk::result<> heard = co_await listen_on(a, r);
        if (!heard) co_return {};
    }
}

/// Says the next `octets`.
inline uk::task<> speak(actor& a, role& r, std::uint64_t octets) {
    std::vector<std::byte> buffer;
    progress& me = r.me();
    for (const std::uint64_t end = me.said + octets; me.said < end;) {
        const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(end - me.said, r.how().piece));
        uk::bytes piece;
        if (r.how().constant) {
            piece = uk::bytes(r.of->constant[r.who]).subspan(static_cast<std::size_t>(me.said), n);
        } else {
            buffer.resize(n);
            r.of->says(r.who).fill(me.said, buffer);
            piece = buffer;
        }
        me.said += n;
        auto write = r.how().constant ? r.connection.write_constant(piece) : r.connection.write(piece);
        const uk::instant since = a.where.in.now();
        const uk::result<> done = co_await uk::within(patience, write);
        if (!done) {
            // TCP gives up far sooner what it cannot send, and every reader reads.
            if (a.where.in.now() - since >= patience) a.broke(say("talk {}: a write is stuck", r.of->number));
            finish(r, progress::end::failed, done.error());
            co_return done;
        }
    }
    co_return {};
}

inline void shut(role& r) {
    r.me().shut = true;
    r.connection.shutdown();
}

/// The second task of a side that speaks and listens at once.
struct speech {
    uk::event over;
    bool running = true;
};
inline uk::task<> speak_all(actor& a, role& r, speech& s) {
    const uk::result<> spoken = co_await speak(a, r, r.of->total(r.who));
    if (spoken) shut(r);
    s.running = false;
    s.over.notify_all(a.scheduler());
    co_return {};
}
inline uk::task<> hold_duplex(actor& a, role& r) {
    speech s;
    if (!speak_all(a, r, s).detach()) s.running = false;
    co_await (co_await listen_to_end(a, r));
    while (s.running) co_await s.over;
    co_return {};
}

/// Whether `who` closes before it has heard the end of the other.
inline bool closes_first(const talk& t, unsigned who) {
    return t.ends == (who == client ? closing::client_first : closing::server_first);
}

inline uk::task<> hold_turns(actor& a, role& r) {
    for (std::uint32_t round = 0; round < r.of->rounds; ++round) {
        const bool last = round + 1 == r.of->rounds;
        const std::uint64_t heard = std::uint64_t{r.of->how[1 - r.who].octets} * (round + 1);
        if (r.who == server) co_await (co_await listen_until(a, r, heard));
        co_await (co_await speak(a, r, r.how().octets));
        if (last && closes_first(*r.of, r.who)) shut(r);
        if (r.who == client) co_await (co_await listen_until(a, r, heard));
    }
    // The client of a talk that nobody closes early begins the end; others hear the end first.
    if (r.who == client && r.of->ends == closing::client_last) shut(r);
    co_await (co_await listen_to_end(a, r));
    if (!r.me().shut && r.me().over == progress::end::done) shut(r);
    co_return {};
}

inline uk::task<> hold(actor& a, role& r) {
    const uk::result<> held = r.of->duplex ? co_await hold_duplex(a, r) : co_await hold_turns(a, r);
    co_return held;
}

/// A connection that was accepted.
inline uk::task<> serve(actor& a, tcp_connection c) {
    role r(nullptr, server, std::move(c));
    while (r.of == nullptr) co_await (co_await listen_on(a, r));
    co_await (co_await hold(a, r));
    co_return {};
}

template <class Host>
uk::task<> serve_all(Host& os, actor& a) {
    auto listener = co_await os[uk::port::stream].listen(service);
    while (true) {
        auto c = co_await (co_await listener.accept());
        if (!serve(a, std::move(c)).detach()) a.broke("no memory for a server's task");
    }
}

/// The ports that the two hosts of a meeting call; see crossing.hpp.
inline constexpr std::uint16_t met_by[2] = {101, 102};

template <class Host>
uk::task<> call(Host& os, actor& a, talk& t, unsigned who) {
    role r(&t, who, {});
    const uk::ip4_address to = uk::sim::address_of(t.how[1 - who].host);
    const std::uint16_t port = t.meeting ? met_by[a.where.number] : service;
    while (true) {
        auto c = co_await uk::within(patience, os[uk::port::stream].connect(to, port));
        if (c) {
            r.connection = *std::move(c);
            break;
        }
        if (c.error() != uk::error::too_large) {
            finish(r, progress::end::failed, c.error());
            co_return {};
        }
        co_await uk::sleep(1s);
    }
    r.connection.set_no_delay(t.how[who].no_delay);
    co_await (co_await hold(a, r));
    co_return {};
}

/// Opens the host's talks, each at its time.
template <class Host>
uk::task<> call_all(Host& os, actor& a) {
    std::vector<talk*> mine;
    for (talk& t : a.play.talks) {
        const bool calls = t.how[client].host == a.where.number || (t.meeting && t.how[server].host == a.where.number);
        if (calls && t.start >= a.where.in.now()) mine.push_back(&t);
    }
    std::sort(mine.begin(), mine.end(), [](const talk* x, const talk* y) {
        return x->start != y->start ? x->start < y->start : x->number < y->number;
    });
    for (talk* t : mine) {
        if (t->start > a.where.in.now()) co_await uk::sleep(t->start - a.where.in.now());
        const unsigned who = t->how[client].host == a.where.number ? client : server;
        if (!call(os, a, *t, who).detach()) a.broke("no memory for a client's task");
    }
    co_return {};
}

}  // namespace stage
