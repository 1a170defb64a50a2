// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/list.hpp>
#include <uk/time.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace uk {

/// A call at a later time. Lives in its user; dies or is cancelled at no cost.
class timer : public list_node {
public:
    using action = void (*)(timer&);

    explicit timer(action a) : action_(a) {}

    bool armed() const { return linked(); }
    void cancel() { unlink(); }

private:
    friend class timer_wheel;
    action action_;
    std::uint64_t tick_ = 0;
};

/// All timers of a stack, in a hierarchical wheel: arming, cancelling and expiring one take constant time. Times are
/// rounded up to ticks of 2^20 ns (1.05 ms): a timer never fires early.
class timer_wheel {
public:
    /// Arms `t` for `when`, or again if it was armed. A time already past fires at the next `advance`.
    void arm(timer& t, instant when) {
        t.tick_ = (when.ns >> tick_shift) + 1;
        place(t);
    }

    /// Fires all that is due at `now`; a timer may arm, cancel or destroy any timer, itself included.
    void advance(instant now) {
        const std::uint64_t to = now.ns >> tick_shift;
        while (now_ < to) {
            const std::uint64_t stop = next_stop();
            now_ = stop < to ? stop : to;
            if (stop <= to) turn();
        }
    }

    /// When `advance` should next be called: never later than the first deadline, sometimes earlier.
    instant next() const {
        const std::uint64_t stop = next_stop();
        return stop == no_stop ? instant::never() : instant{stop << tick_shift};
    }

private:
    static constexpr unsigned tick_shift = 20;
    static constexpr unsigned digit_bits = 5;
    static constexpr unsigned slots = 1U << digit_bits;
    static constexpr unsigned levels = 4;  // 2^20 ticks, 18 minutes; later deadlines go round again
    static constexpr std::uint64_t no_stop = ~std::uint64_t{0};

    // The level is that of the highest digit in which the deadline differs from now: the timer is looked at again when
    // the wheel reaches that digit.
    void place(timer& t) {
        const std::uint64_t at = t.tick_ > now_ ? t.tick_ : now_ + 1;
        unsigned level = 0, shift = 0;
        while (level + 1 != levels && (at ^ now_) >> shift >> digit_bits != 0) {
            ++level;
            shift += digit_bits;
        }
        // The highest level goes round: what is more than a round ahead waits in the slot reached last.
        const std::uint64_t here = now_ >> shift, there = at >> shift;
        const std::uint64_t slot = (there - here < slots ? there : here - 1) % slots;
        wheel_[level][slot].push_back(t);
        occupied_[level] |= 1U << slot;
    }

    // The next tick at which a slot must be emptied. Bits of slots whose timers were cancelled may remain: they only
    // make the stop early. What a lower level has comes before what is above it, and nothing of it is behind: the wheel
    // stops at every bit.
    std::uint64_t next_stop() const {
        for (unsigned level = 0; level < levels; ++level) {
            const std::uint32_t bits = occupied_[level];
            if (bits == 0) continue;
            const unsigned shift = level * digit_bits;
            const std::uint64_t next = (now_ >> shift) + 1;
            const int skip = std::countr_zero(std::rotr(bits, static_cast<int>(next % slots)));
            return (next + static_cast<unsigned>(skip)) << shift;
        }
        return no_stop;
    }

    // Empties the slots that begin at now_, highest level first, so that what is due ends in `due`.
    void turn() {
        list<timer> due;
        for (unsigned level = levels; level-- > 0;) {
            const std::uint64_t below = (std::uint64_t{1} << (level * digit_bits)) - 1;
            const auto slot = static_cast<unsigned>(now_ >> (level * digit_bits)) % slots;
            if ((now_ & below) != 0 || (occupied_[level] >> slot & 1U) == 0) continue;
            occupied_[level] &= ~(1U << slot);
            list<timer> moved;
            moved.take_all(wheel_[level][slot]);
            while (!moved.empty()) {
                timer& t = moved.pop_front();
                if (t.tick_ <= now_) {
                    due.push_back(t);
                } else {
                    place(t);
                }
            }
        }
        while (!due.empty()) {
            timer& t = due.pop_front();
            t.action_(t);
        }
    }

    std::uint64_t now_ = 0;
    std::uint32_t occupied_[levels]{};
    list<timer> wheel_[levels][slots];
};

}  // namespace uk
