// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/arch/sim_world.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace uk::sim {

/// What one direction of a link does to frames. Chances are per million frames.
struct quality {
    std::uint64_t bits_per_second = 1'000'000'000;
    duration delay{1'000};            ///< from the end of a frame's sending to its arrival
    duration jitter{0};               ///< up to so much more, in order
    std::uint32_t queue = 1000;       ///< frames that wait or are being sent; more are dropped
    std::uint32_t loss = 0;
    std::uint32_t duplicate = 0;      ///< arrives twice
    std::uint32_t reorder = 0;        ///< is overtaken by those that come up to `reorder_by` later
    duration reorder_by{0};
    std::uint32_t corrupt = 0;        ///< bits are flipped
    bool refuses = false;             ///< a full queue tells the sender instead of dropping
};

/// One direction of a link: a queue, a sender of a certain rate, and a wire.
class pipe {
public:
    /// Takes what arrives.
    using sink = void (*)(void* context, std::uint64_t value, frame&& octets);
    /// Flips bits of a frame; false when the frame is to be lost instead, because no checksum would show the damage.
    using spoiler = bool (*)(random&, frame&);

    pipe(world& in, const quality& q, std::uint64_t stream, sink to, void* context, std::uint64_t value)
        : what(q), in_(in), random_(in.seed(), stream), to_(to), context_(context), value_(value) {}

    /// Takes a frame to carry and says when it will have left the queue; nothing when it was refused. A frame that is
    /// lost on the way leaves the queue like any other.
    std::optional<instant> carry(frame&& f) {
        const instant now = in_.now();
        if (cut) return drop(std::move(f), counted.cut);
        while (first_ != leaving_.size() && leaving_[first_] <= now) ++first_;
        if (first_ == leaving_.size()) {
            leaving_.clear();
            first_ = 0;
        }
        if (leaving_.size() - first_ >= what.queue) {
            const auto dropped = drop(std::move(f), counted.overflowed);
            return what.refuses ? std::nullopt : dropped;
        }
        const std::uint64_t bits = (f.size() + overhead) * 8;
        const instant start = first_ == leaving_.size() ? now : leaving_.back();
        const instant left{start.ns + bits * 1'000'000'000 / what.bits_per_second};
        leaving_.push_back(left);
        ++counted.carried;
        if (random_.chance(what.loss)) {
            ++counted.lost;
            in_.let_go(std::move(f));
        } else if (random_.chance(what.corrupt) && !damage(f)) {
            in_.let_go(std::move(f));
        } else {
            launch(std::move(f), left);
        }
        return left;
    }

    /// Has somebody else take what arrives from now on.
    void lead_to(sink to, void* context, std::uint64_t value) {
        to_ = to;
        context_ = context;
        value_ = value;
    }

    struct counters {
        std::uint64_t carried = 0;
        std::uint64_t lost = 0;
        std::uint64_t overflowed = 0;
        std::uint64_t duplicated = 0;
        std::uint64_t overtaken = 0;
        std::uint64_t corrupted = 0;
        std::uint64_t hidden = 0;  ///< were to be corrupted, but lost instead
        std::uint64_t cut = 0;
    };

    quality what;
    bool cut = false;  ///< nothing passes
    spoiler spoil = nullptr;
    counters counted;

private:
    // Preamble, check sequence and gap of Ethernet.
    static constexpr std::size_t overhead = 24;

    std::optional<instant> drop(frame&& f, std::uint64_t& counter) {
        ++counter;
        in_.let_go(std::move(f));
        return in_.now();
    }

    bool damage(frame& f) {
        const bool done = spoil != nullptr && spoil(random_, f);
        ++(done ? counted.corrupted : counted.hidden);
        return done;
    }

    void launch(frame&& f, instant left) {
        if (random_.chance(what.duplicate)) {
            ++counted.duplicated;
            frame copy = in_.fresh_frame();
            copy.assign(f.begin(), f.end());
            in_.at(arrival(left), to_, context_, value_, std::move(copy));
        }
        in_.at(arrival(left), to_, context_, value_, std::move(f));
    }

    instant arrival(instant left) {
        instant at = left + what.delay + up_to(what.jitter);
        if (random_.chance(what.reorder)) {
            ++counted.overtaken;
            return at + up_to(what.reorder_by);
        }
        if (at < last_) at = last_;
        last_ = at;
        return at;
    }

    duration up_to(duration most) {
        if (most.count() <= 0) return duration(0);
        return duration(static_cast<std::int64_t>(random_.next() % (static_cast<std::uint64_t>(most.count()) + 1)));
    }

    world& in_;
    random random_;
    sink to_;
    void* context_;
    std::uint64_t value_;
    std::vector<instant> leaving_;  // when each frame in the queue will have been sent, from `first_` on
    std::size_t first_ = 0;
    instant last_{};
};

}  // namespace uk::sim
