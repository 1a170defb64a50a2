// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "actor.hpp"
#include "crossing.hpp"
#include "forge.hpp"
#include "hosts.hpp"
#include "plan.hpp"
#include "segment.hpp"
#include "watch.hpp"

#include <uk/arch/sim_wire.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace stage {

/// A host that lives: its stack, whatever its type, and its application.
struct life {
    unsigned kind = 0;
    void* stack = nullptr;
    std::unique_ptr<actor> app;
    std::size_t idle_frames = 0;  ///< octets of frames of the tasks that never end

    life(unsigned k, uk::sim::seat& s, scenario& play, findings& found) : kind(k) {
        with_kind(kind, [&]<class Host> {
            auto* os = new Host(s);
            stack = os;
            app = std::make_unique<actor>(actor{play, found, s, os->scheduler()});
            if (!serve_all(*os, *app).detach()) app->broke("no memory for the server");
            idle_frames = os->scheduler().frames.used();
            s.switch_on(*os);
            if (!call_all(*os, *app).detach()) app->broke("no memory for the client");
        });
    }
    life(const life&) = delete;
    life& operator=(const life&) = delete;
    ~life() {
        with_kind(kind, [&]<class Host> { delete static_cast<Host*>(stack); });
    }

    /// Connections were answered that found no room: one that was being opened may have had to make place for another,
    /// and gets a RST.
    bool crowded() {
        return with_kind(kind, [&]<class Host> {
            auto& net = (*static_cast<Host*>(stack))[uk::port::stream];
            return net.counter(uk::net::tcp_count::cookies_in) != 0;
        });
    }

    /// What is left although everything is over.
    std::string leftovers() {
        return with_kind(kind, [&]<class Host> {
            auto& os = *static_cast<Host*>(stack);
            const std::size_t free = os[uk::port::packets].store().available();
            const std::size_t used = os.scheduler().frames.used();
            const std::size_t table = os[uk::port::stream].in_use();
            if (free == Host::packets && table == 0 && used == idle_frames) return std::string();
            return say("{} of {} packets are free, {} connections are in the table, {} octets of frames are used, {} "
                       "when idle",
                       free, Host::packets, table, used, idle_frames);
        });
    }
};

/// What came of a scenario.
struct outcome {
    std::uint64_t trace = 0;
    std::uint64_t steps = 0;
    std::uint64_t segments = 0;
    std::uint64_t text = 0;
    uk::instant end;
    findings found;
};

/// Runs one scenario and judges it.
class theatre {
public:
    explicit theatre(scenario s)
        : play_(std::move(s)),
          world_(play_.seed),
          cables_(world_),
          watch_(world_, found_),
          forger_(play_.seed, 0x666f7267) {
        for (unsigned i = 0; i < play_.kinds.size(); ++i) {
            seats_.push_back(std::make_unique<uk::sim::seat>(world_, i));
            seats_.back()->latency = play_.latency;
        }
        lives_.resize(play_.kinds.size());
        connect();
    }

    uk::sim::world& world() { return world_; }
    uk::sim::wire& cables() { return cables_; }
    life* host(unsigned i) { return lives_[i].get(); }
    const scenario& play() const { return play_; }

    outcome run() {
        for (unsigned i = 0; i < lives_.size(); ++i) start(i);
        for (std::size_t i = 0; i < play_.mishaps.size(); ++i) {
            world_.at(play_.mishaps[i].at, &theatre::strike, this, i);
        }
        if (play_.forgeries != 0) world_.at({}, &theatre::forge, this, play_.forgeries);
        while (!world_.at_rest() && world_.steps() < most_steps && world_.step(deadline)) {
        }
        if (!world_.at_rest()) {
            const bool busy = world_.steps() >= most_steps;
            found_.add(world_.now(), busy ? "it goes on without end" : "it does not end in time");
        } else {
            judge();
        }
        return {world_.trace(), world_.steps(), watch_.segments(), watch_.text(), world_.now(), std::move(found_)};
    }

private:
    static constexpr std::uint64_t most_steps = 3'000'000;
    static constexpr uk::instant deadline{std::uint64_t{7} * 24 * 3'600 * 1'000'000'000};
    /// A cut of this length may end a handshake.
    static constexpr uk::duration long_cut = 3s;

    void connect() {
        if (play_.switched()) {
            for (std::size_t i = 0; i < seats_.size(); ++i) {
                cables_.attach(*seats_[i], play_.cables[i].up, play_.cables[i].down);
            }
        } else {
            cables_.join(*seats_[0], *seats_[1], play_.cables[0].up, play_.cables[0].down);
            for (unsigned from : {0U, 1U}) cables_.pipes()[from]->lead_to(&theatre::cross, this, from);
        }
        for (const auto& p : cables_.pipes()) p->spoil = flip_bits;
    }

    static void cross(void* context, std::uint64_t from, uk::sim::frame&& f) {
        auto& self = *static_cast<theatre*>(context);
        const auto host = static_cast<unsigned>(from);
        if (!self.crossing_.pass(host, f)) return self.world_.let_go(std::move(f));
        self.seats_[1 - host]->arrive(std::move(f));
    }

    static void forge(void* context, std::uint64_t left, uk::sim::frame&&) {
        auto& self = *static_cast<theatre*>(context);
        if (const auto end = self.watch_.end(self.forger_.below(1'000'000))) {
            const unsigned at = end->to.value - uk::sim::address_of(0).value;
            self.seats_[at]->arrive(forged(self.forger_, *end, self.seats_[at]->address()));
        }
        if (left == 0) return;
        self.world_.at(self.world_.now() + uk::duration(self.forger_.between(100'000, 400'000'000)), &theatre::forge,
                       context, left - 1);
    }

    void start(unsigned host) {
        lives_[host] = std::make_unique<life>(play_.kinds[host], *seats_[host], play_, found_);
    }

    // Mishaps. A value is the number of the mishap.

    static void strike(void* self, std::uint64_t number, uk::sim::frame&&) {
        static_cast<theatre*>(self)->begin(play_of(self).mishaps[number], number);
    }
    static void relent(void* self, std::uint64_t number, uk::sim::frame&&) {
        static_cast<theatre*>(self)->finish(play_of(self).mishaps[number]);
    }
    static scenario& play_of(void* self) { return static_cast<theatre*>(self)->play_; }

    void begin(const mishap& m, std::uint64_t number) {
        if (m.crash) {
            lives_[m.host].reset();
            watch_.forget(m.host);
        } else {
            cut(m.host, true);
        }
        if (m.crash || m.length > long_cut) disturb(m);
        if (m.length.count() != 0) world_.at(m.at + m.length, &theatre::relent, this, number);
    }
    void finish(const mishap& m) {
        if (m.crash && !lives_[m.host]) start(m.host);
        if (!m.crash) cut(m.host, false);
    }

    void cut(unsigned host, bool on) {
        seats_[host]->outlet->cut = on;
        // The way back: the pipe laid next.
        cables_.pipes()[play_.switched() ? 2 * host + 1 : 1 - host]->cut = on;
    }

    // Talks that are being held, or are to begin before the end of it, need not end well.
    void disturb(const mishap& m) {
        const uk::instant end = m.length.count() == 0 ? uk::instant::never() : m.at + m.length;
        for (talk& t : play_.talks) {
            const bool concerned = t.how[client].host == m.host || t.how[server].host == m.host;
            const bool over = t.side[client].over != progress::end::none && t.side[server].over != progress::end::none;
            // A connection that was given up may come back to life in the peer's table, so a little later too.
            if (concerned && !over && t.start <= end) t.disturbed = true;
        }
    }

    void judge() {
        for (unsigned i = 0; i < lives_.size(); ++i) {
            const auto& counted = seats_[i]->counted;
            if (counted.changed != 0) found_.add(world_.now(), say("host {} changed a frame being sent", i));
            // What a card still sends has left by then, and is noticed.
            if (lives_[i]) seats_[i]->wake_at(world_.now() + 1min);
        }
        while (world_.step(uk::instant::never())) {
        }
        for (unsigned i = 0; i < lives_.size(); ++i) {
            if (!lives_[i]) continue;
            const std::string left = lives_[i]->leftovers();
            if (!left.empty()) found_.add(world_.now(), say("host {}: {}", i, left));
        }
        for (const talk& t : play_.talks) judge(t);
    }

    void judge(const talk& t) {
        bool given_up = false;
        bool well = true;
        for (const progress& p : t.side) {
            given_up |= p.over == progress::end::aborted;
            well &= p.over == progress::end::done;
        }
        if (well || given_up || t.disturbed || !play_.gentle) return;
        const unsigned place = t.how[server].host;
        const bool crowded = place < lives_.size() && (!lives_[place] || lives_[place]->crowded());
        if (t.side[client].heard == 0 && t.side[server].said == 0 && crowded) return;
        for (unsigned who : {client, server}) {
            const progress& p = t.side[who];
            found_.add(world_.now(),
                       say("talk {} (host {} to {}): side {} has said {} and heard {} of {} and {}: {}, {}", t.number,
                           t.how[client].host, t.how[server].host, who, p.said, p.heard, t.total(who), t.total(1 - who),
                           static_cast<unsigned>(p.over), uk::describe(p.why)));
        }
    }

    scenario play_;
    findings found_;
    uk::sim::world world_;
    std::vector<std::unique_ptr<uk::sim::seat>> seats_;
    uk::sim::wire cables_;
    watcher watch_;
    crossing crossing_;
    uk::sim::random forger_;
    std::vector<std::unique_ptr<life>> lives_;
};

}  // namespace stage
