// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "plan.hpp"

#include <uk/arch/sim_random.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace stage {

/// From a seed to a scenario.
class generator {
public:
    /// `kinds`: how many stacks there are to choose from.
    generator(std::uint64_t seed, unsigned kinds) : r_(seed, 0x706c616e), kinds_(kinds) { s_.seed = seed; }

    scenario make() {
        const unsigned hosts = r_.chance(700'000) ? 2 : r_.between(3, 5);
        for (unsigned i = 0; i < hosts; ++i) s_.kinds.push_back(r_.below(kinds_));
        harm_ = r_.below(4);
        for (unsigned i = 0; i < hosts; ++i) {
            cable c;
            c.up = link();
            c.down = r_.chance(500'000) ? link() : c.up;
            s_.cables.push_back(c);
        }
        if (r_.chance(300'000)) s_.latency = uk::duration(microseconds(1, 5'000));
        judge();
        const unsigned theme = r_.below(10);
        if (theme == 0) {
            crowd();
        } else {
            for (unsigned n = r_.between(1, 4); n != 0; --n) add_talk();
            if (hosts == 2 && r_.chance(150'000)) s_.talks.front().meeting = true;
        }
        if (r_.chance(150'000)) s_.forgeries = r_.between(10, 300);
        // Handshakes may find a short queue full of others each time.
        if (s_.talks.size() > 1) require_queue(theme == 0 ? 10 : 6);
        if (r_.chance(120'000)) add_mishap(true);
        if (r_.chance(100'000)) add_mishap(false);
        for (talk& t : s_.talks) prepare(t);
        return std::move(s_);
    }

private:
    static constexpr std::uint32_t million = 1'000'000;

    std::int64_t microseconds(std::uint64_t least, std::uint64_t most) {
        return static_cast<std::int64_t>(r_.magnitude(least, most)) * 1'000;
    }
    std::uint32_t magnitude(std::uint32_t least, std::uint32_t most) {
        return static_cast<std::uint32_t>(r_.magnitude(least, most));
    }
    uk::instant moment(std::uint64_t most_ms) { return uk::instant{r_.magnitude(1, most_ms * 1'000'000)}; }

    uk::sim::quality link() {
        static constexpr std::uint32_t most_lost[] = {0, 20'000, 100'000, 300'000};
        uk::sim::quality q;
        q.bits_per_second = r_.magnitude(64'000, 1'000'000'000);
        q.delay = uk::duration(microseconds(1, 500'000));
        // What waits in a queue waits a second at most: else every timer of a handshake runs out.
        const std::uint64_t in_a_second = q.bits_per_second / 12'304;
        q.queue = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(magnitude(2, 200), 2, 2 + in_a_second));
        q.refuses = r_.chance(300'000);
        if (r_.chance(400'000)) q.jitter = uk::duration(microseconds(1, 50'000));
        if (harm_ == 0) return q;
        if (r_.chance(800'000)) q.loss = r_.below(most_lost[harm_] + 1);
        if (r_.chance(400'000)) q.duplicate = r_.below(50'000);
        if (r_.chance(400'000)) q.corrupt = r_.below(harm_ == 3 ? 50'000 : 20'000);
        if (r_.chance(400'000)) {
            q.reorder = r_.below(100'000);
            q.reorder_by = uk::duration(microseconds(100, 100'000));
        }
        return q;
    }

    /// How bad the worst path is, and how much one may say on it.
    void judge() {
        std::uint32_t worst = 0;
        std::uint64_t slowest = ~std::uint64_t{0};
        for (const cable& c : s_.cables) {
            for (const uk::sim::quality* q : {&c.up, &c.down}) {
                worst = std::max(worst, q->loss + q->corrupt);
                slowest = std::min(slowest, q->bits_per_second);
            }
        }
        if (s_.switched()) worst *= 2;
        s_.gentle = worst <= 120'000;
        most_ = worst <= 30'000 ? 2'000'000 : s_.gentle ? 200'000 : 40'000;
        most_ = std::min<std::uint32_t>(most_, static_cast<std::uint32_t>(std::min<std::uint64_t>(slowest, most_) * 2));
    }

    talk& new_talk(std::uint64_t within_ms) {
        talk& t = s_.talks.emplace_back();
        t.number = static_cast<unsigned>(s_.talks.size() - 1);
        const auto hosts = static_cast<std::uint32_t>(s_.kinds.size());
        t.how[client].host = r_.below(hosts);
        t.how[server].host = (t.how[client].host + 1 + r_.below(hosts - 1)) % hosts;
        t.start = moment(within_ms);
        return t;
    }

    void add_talk() {
        talk& t = new_talk(5'000);
        const std::uint32_t all = magnitude(16, most_);
        switch (r_.below(5)) {
            case 0: t.how[client].octets = all; break;
            case 1: t.how[server].octets = all; break;
            case 2:
                t.duplex = true;
                t.how[client].octets = all;
                t.how[server].octets = magnitude(8, most_);
                break;
            case 3:
                t.rounds = r_.between(2, 40);
                t.how[client].octets = std::max(8U, magnitude(8, all) / t.rounds);
                t.how[server].octets = std::max(8U, magnitude(8, all) / t.rounds);
                break;
            default: t.how[client].octets = all / 2 + 8; t.how[server].octets = all / 2 + 8;
        }
        t.ends = static_cast<closing>(r_.below(3));
        for (manner& m : t.how) choose_manner(m, t);
        if (r_.chance(100'000)) {
            manner& m = t.how[r_.below(2)];
            m.aborts = true;
            m.drops = r_.chance(500'000);
            m.abort_after = r_.below(all);
        }
    }

    void choose_manner(manner& m, const talk& t) {
        m.piece = magnitude(1, 20'000);
        if (m.octets / m.piece > 2'000) m.piece = m.octets / 2'000 + 1;
        m.constant = r_.chance(250'000);
        m.no_delay = r_.chance(250'000);
        // A slow reader, for whom the window closes.
        if (t.rounds == 1 && r_.chance(200'000)) m.pause = uk::duration(microseconds(100, 10'000'000));
        if (r_.chance(150'000)) m.haste = uk::duration(microseconds(1'000, 1'000'000));
    }

    /// Many short talks.
    void crowd() {
        // All to one host: two small tables full of calls to each other would leave no room to accept any.
        const unsigned to = r_.below(static_cast<std::uint32_t>(s_.kinds.size()));
        for (unsigned n = r_.between(5, 40); n != 0; --n) {
            talk& t = new_talk(20'000);
            if (t.how[client].host == to) t.how[client].host = t.how[server].host;
            t.how[server].host = to;
            t.how[client].octets = magnitude(8, std::min(most_, 3'000U));
            t.how[server].octets = magnitude(8, std::min(most_, 6'000U));
            t.ends = static_cast<closing>(r_.below(3));
        }
    }

    void require_queue(std::uint32_t least) {
        for (const cable& c : s_.cables) s_.gentle = s_.gentle && c.up.queue >= least && c.down.queue >= least;
    }

    void add_mishap(bool crash) {
        mishap m;
        m.crash = crash;
        m.host = r_.below(static_cast<std::uint32_t>(s_.kinds.size()));
        m.at = moment(20'000);
        if (!crash || r_.chance(800'000)) m.length = uk::duration(microseconds(10'000, 60'000'000));
        s_.mishaps.push_back(m);
    }

    void prepare(talk& t) {
        t.name = uk::sim::random::mix(s_.seed * 1'000'003 + t.number) << 16 | t.number << 4;
        for (unsigned who : {client, server}) {
            if (!t.how[who].constant) continue;
            t.constant[who].resize(t.total(who));
            t.says(who).fill(0, t.constant[who]);
        }
    }

    uk::sim::random r_;
    unsigned kinds_;
    scenario s_;
    unsigned harm_ = 0;
    std::uint32_t most_ = 0;
};

}  // namespace stage
