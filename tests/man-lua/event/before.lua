local raid = {}
package.loaded.raid = raid
function raid.reward(n) return n end
