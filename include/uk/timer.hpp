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
    static constexpr std::uint64_t no_stop = ~std::uint64_t{0} >> tick_shift;

    static constexpr unsigned digit(std::uint64_t tick, unsigned level) {
        return static_cast<unsigned>(tick >> (level * digit_bits)) % slots;
    }

    // The level is that of the highest digit in which the deadline differs from now: the timer is looked at again when
    // the wheel reaches that digit.
    void place(timer& t) {
        const std::uint64_t at = t.tick_ > now_ ? t.tick_ : now_ + 1;
        const auto width = static_cast<unsigned>(std::bit_width(at ^ now_));
        const unsigned level = std::min((width - 1) / digit_bits, levels - 1);
        // The highest level goes round: what is more than a round ahead waits in the slot reached last.
        const unsigned shift = level * digit_bits;
        const bool within_round = (at >> shift) - (now_ >> shift) < slots;
        const unsigned slot = within_round ? digit(at, level) : (digit(now_, level) + slots - 1) % slots;
        wheel_[level][slot].push_back(t);
        occupied_[level] |= 1U << slot;
    }

    // The next tick at which a slot must be emptied. Bits of slots whose timers were cancelled may remain: they only
    // make the stop early.
    std::uint64_t next_stop() const {
        for (unsigned level = 0; level < levels; ++level) {
            if (occupied_[level] == 0) continue;
            const unsigned shift = level * digit_bits;
            const unsigned here = digit(now_, level);
            const std::uint32_t later = here + 1 < slots ? occupied_[level] >> (here + 1) << (here + 1) : 0;
            const std::uint64_t turn_start = now_ >> (shift + digit_bits) << (shift + digit_bits);
            if (later != 0) {
                return turn_start + (static_cast<std::uint64_t>(std::countr_zero(later)) << shift);
            }
            if (level + 1 == levels) {
                const auto first = static_cast<std::uint64_t>(std::countr_zero(occupied_[level]));
                return turn_start + (std::uint64_t{1} << (shift + digit_bits)) + (first << shift);
            }
        }
        return no_stop;
    }

    // Empties the slots that begin at now_, highest level first, so that what is due ends in `due`.
    void turn() {
        list<timer> due;
        for (unsigned level = levels; level-- > 0;) {
            const std::uint64_t below = (std::uint64_t{1} << (level * digit_bits)) - 1;
            const unsigned slot = digit(now_, level);
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
