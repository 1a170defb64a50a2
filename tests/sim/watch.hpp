// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "crossing.hpp"
#include "plan.hpp"
#include "segment.hpp"

#include <uk/arch/sim_address.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

namespace stage {

/// Reads what hosts put on the wire, and what reaches them, and knows what they may say (RFC 9293): whatever its
/// inside, a TCP must keep to this. Of each direction of a connection it remembers what its end has said and what the
/// other end has been told.
class watcher : public uk::sim::observer {
public:
    watcher(uk::sim::world& in, findings& f) : in_(in), found_(f) {
        saw = [](uk::sim::observer& o, const uk::sim::passage& p) { static_cast<watcher&>(o).look(p); };
        in.watch(*this);
    }

    /// A host has crashed: it knows nothing of what it said.
    void forget(unsigned seat) {
        const uk::ip4_address a = uk::sim::address_of(seat);
        for (auto& [k, h] : halves_) {
            if (std::get<0>(k) == a.value && h.known) forget(h);
            if (std::get<2>(k) == a.value) h.stale = true;
        }
    }

    /// Where somebody stands, for a stranger to guess at: the ends of an open connection, and the next place that the
    /// one at `to` has not received. Number `n` of what was seen; nothing when that is none.
    struct known_end {
        uk::ip4_address from;
        uk::ip4_address to;
        std::uint16_t from_port;
        std::uint16_t to_port;
        std::uint32_t next;
    };
    std::optional<known_end> end(std::size_t n) const {
        if (halves_.empty()) return {};
        auto it = halves_.begin();
        std::advance(it, static_cast<std::ptrdiff_t>(n % halves_.size()));
        const auto& [k, h] = *it;
        if (crossing::unified(std::get<1>(k))) return {};
        const auto back = halves_.find({std::get<2>(k), std::get<3>(k), std::get<0>(k), std::get<1>(k)});
        if (back == halves_.end() || !lives(h) || !lives(back->second)) return {};
        return known_end{{std::get<0>(k)}, {std::get<2>(k)}, std::get<1>(k), std::get<3>(k), h.told_max.value};
    }

    std::uint64_t segments() const { return segments_; }
    std::uint64_t text() const { return text_; }

private:
    using seq = uk::net::seq;
    using key = std::tuple<std::uint32_t, std::uint16_t, std::uint32_t, std::uint16_t>;

    /// What one end says.
    struct half {
        bool known = false;  ///< its SYN was seen
        bool lost = false;   ///< its host has crashed since
        bool stale = false;  ///< it speaks to an earlier life of the other end
        bool acks = false;
        bool over = false;  ///< a FIN or RST was sent
        bool told = false;  ///< a window has reached the other end
        bool scales = false;
        bool hides = false;  ///< may have lost segments before the wire
        unsigned mss = 536;
        unsigned shift = 0;
        uk::instant spoke;
        seq iss;
        seq max;        ///< behind the last place sent
        seq ack;        ///< the latest
        seq edge;       ///< the right edge of the latest window
        seq told_max;   ///< behind the last place that has reached the other end
        seq told_edge;  ///< the rightmost edge that has reached the other end
    };

    static bool lives(const half& h) { return h.known && !h.stale && !h.over && h.acks && h.told; }
    static void forget(half& h) {
        h = {};
        h.lost = true;
    }
    static key key_of(const seen_segment& x) {
        return {x.from.value, x.s.source_port, x.to.value, x.s.destination_port};
    }
    static key back_of(const seen_segment& x) {
        return {x.to.value, x.s.destination_port, x.from.value, x.s.source_port};
    }

    void look(const uk::sim::passage& p) {
        auto seen = segment_in(p.octets);
        if (!seen && p.sent) asked_[p.seat] = p.at;
        if (!seen) return;
        crossing::unify(*seen, p.seat, p.sent);
        if (!p.sent) {
            if (seen->whole && seen->to == uk::sim::address_of(p.seat)) arrived(*seen, halves_[key_of(*seen)]);
            return;
        }
        ++segments_;
        text_ += seen->s.text;
        if (!seen->whole) return broke(*seen, "has a wrong checksum");
        if (seen->from != uk::sim::address_of(p.seat)) return broke(*seen, "comes from somebody else's address");
        half& mine = halves_[key_of(*seen)];
        half& theirs = halves_[back_of(*seen)];
        if (seen->s.has(uk::net::tcp_flag::rst | uk::net::tcp_flag::fin)) mine.over = true;
        if (seen->s.has(uk::net::tcp_flag::rst)) return;
        sent(*seen, mine, theirs, asked_[p.seat] >= mine.spoke);
        mine.spoke = p.at;
    }

    /// `hidden`: the host has asked for a neighbour meanwhile, and may have lost a segment that waited for the answer.
    void sent(const seen_segment& x, half& mine, half& theirs, bool hidden) {
        const uk::net::tcp_segment& s = x.s;
        const bool syn = s.has(uk::net::tcp_flag::syn);
        if (syn && !(mine.known && mine.iss == s.sequence)) begin(x, mine, theirs);
        if (syn) mine.stale = theirs.lost;
        if (!mine.known) return broke(x, "belongs to no connection");
        const seq end = s.sequence + s.length();
        if (mine.stale || theirs.stale) {
            if (mine.max < end) mine.max = end;
            return;
        }
        if (s.sequence < mine.iss) broke(x, "stands before the SYN");
        // What it has lost so is sent again from the front, while acknowledgments stand behind all of it.
        mine.hides = mine.hides || hidden;
        if (s.sequence > mine.max && !hidden && !(mine.hides && s.length() == 0)) broke(x, "leaves a gap");
        if (syn != (s.sequence == mine.iss)) broke(x, "has a SYN in the wrong place");
        if (s.text != 0) check_window(x, theirs);
        if (mine.max < end) mine.max = end;
        if (s.has(uk::net::tcp_flag::ack)) {
            check_ack(x, mine, theirs);
        } else if (!syn) {
            broke(x, "has no acknowledgment");
        }
    }

    void begin(const seen_segment& x, half& mine, half& theirs) {
        // A new life on old ports: the other end may still speak to the old one.
        if (mine.known && theirs.known && !mine.stale) theirs.stale = true;
        mine = {};
        mine.known = true;
        mine.iss = mine.max = mine.told_max = x.s.sequence;
        mine.mss = x.mss;
        mine.scales = x.scales;
        mine.shift = x.shift;
    }

    // RFC 9293 section 3.8.6.1 lets one octet stand beyond a window, as a probe.
    void check_window(const seen_segment& x, const half& theirs) {
        if (x.s.text > theirs.mss) broke(x, "is longer than the other end's MSS");
        if (!theirs.told) return broke(x, "has text before any window was known");
        const seq end = x.s.sequence + x.s.text;
        const bool probe = x.s.text == 1 && end == theirs.told_edge + 1;
        if (end > theirs.told_edge && !probe) {
            broke(x, say("goes {} octets beyond the window", end - theirs.told_edge));
        }
    }

    void check_ack(const seen_segment& x, half& mine, const half& theirs) {
        const seq ack = x.s.acknowledgment;
        if (!theirs.known) return broke(x, "acknowledges what nobody said");
        if (ack > theirs.told_max) broke(x, say("acknowledges {} places not received", ack - theirs.told_max));
        const seq edge = ack + window(x, mine, theirs);
        if (mine.acks) {
            if (ack < mine.ack) broke(x, say("takes back an acknowledgment of {}", mine.ack - ack));
            // A scaled window is rounded down (RFC 7323 section 2.4).
            const seq least{mine.edge.value - ((1U << mine.shift) - 1)};
            // A SYN sent again is not scaled and cannot tell as much as what came since (RFC 7323 section 2.2).
            if (edge < least && !(x.s.has(uk::net::tcp_flag::syn) && x.s.window == 65'535))
                broke(x, say("takes back {} octets of its window", mine.edge - edge));
        }
        if (!mine.acks || edge > mine.edge) mine.edge = edge;
        mine.ack = ack;
        mine.acks = true;
    }

    static std::uint32_t window(const seen_segment& x, const half& mine, const half& theirs) {
        const bool scaled = !x.s.has(uk::net::tcp_flag::syn) && mine.scales && theirs.scales;
        return scaled ? std::uint32_t{x.s.window} << mine.shift : x.s.window;
    }

    // `from` is the half of whoever has sent it.
    void arrived(const seen_segment& x, half& from) {
        if (!from.known || x.s.has(uk::net::tcp_flag::rst)) return;
        const seq end = x.s.sequence + x.s.length();
        if (x.s.sequence < from.iss || end > from.max) return;  // of an earlier life
        if (end > from.told_max) from.told_max = end;
        const half& other = halves_[back_of(x)];
        if (!other.known) return;
        const seq base = x.s.has(uk::net::tcp_flag::ack) ? x.s.acknowledgment : other.iss + 1;
        if (base <= other.iss || base > other.max) return;
        const seq edge = base + window(x, from, other);
        if (!from.told || edge > from.told_edge) from.told_edge = edge;
        from.told = true;
    }

    void broke(const seen_segment& x, std::string what) {
        found_.add(in_.now(), say("segment {}:{} > {}:{} seq {} ack {} flags {} window {} text {} {}", x.from,
                                  x.s.source_port, x.to, x.s.destination_port, x.s.sequence.value,
                                  x.s.acknowledgment.value, x.s.flags, x.s.window, x.s.text, what));
    }

    uk::sim::world& in_;
    findings& found_;
    std::map<key, half> halves_;
    std::map<unsigned, uk::instant> asked_;  ///< when each host last sent something that is not TCP
    std::uint64_t segments_ = 0;
    std::uint64_t text_ = 0;
};

}  // namespace stage
