-- How a player does with each opening and color.
select
    player,
    color,
    eco,
    opening,
    count(*) as games,
    sum(case when outcome = 'win' then 1 else 0 end) as wins,
    sum(case when outcome = 'draw' then 1 else 0 end) as draws,
    sum(case when outcome = 'loss' then 1 else 0 end) as losses,
    round(100.0 * sum(points) / count(*), 1) as score_percent
from {{ ref('player_games') }}
where rules = 'chess'
group by player, color, eco, opening
