package dev.berth.master.allocator;

import dev.berth.master.ids.FrameworkId;
import dev.berth.master.resources.Resources;

/** What a framework has in a role on an agent that is just coming (back). */
public record Use(FrameworkId framework, Role role, Resources resources) {}
