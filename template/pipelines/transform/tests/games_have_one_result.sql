-- Both sides of a game together get one point. Returns the games that break this.
select game_url, sum(points) as points
from {{ ref('player_games') }}
group by game_url
having sum(points) <> 1
