// SPDX-License-Identifier: BSL-1.0
#pragma once

// The front door: a stack for the machine of the build, tasks and `run`. Network layers have headers of their own.
#include <uk/address.hpp>
#include <uk/check.hpp>
#include <uk/event.hpp>
#include <uk/loop.hpp>
#include <uk/packets.hpp>
#include <uk/print.hpp>
#include <uk/result.hpp>
#include <uk/run.hpp>
#include <uk/stack.hpp>
#include <uk/target.hpp>
#include <uk/task.hpp>
#include <uk/time.hpp>
