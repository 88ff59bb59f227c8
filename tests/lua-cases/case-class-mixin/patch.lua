local spoken
hotfix.replace { target = "mixins::Speaks.speak", with = function(self)
  spoken = spoken + 1
  return self.name .. " new"
end }
hotfix.replace { target = "world::orc@.move", with = function(self, n) self.x = self.x + 2 * n end }
