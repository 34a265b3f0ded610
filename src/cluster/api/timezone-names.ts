// The time zones of the IANA database as they are in 2026: minutes east of UTC and a letter for the rule of their summer time
// (timezones.ts), then the names, those of one region after its name and a slash.

export const ZONE_NAMES: Readonly<Record<string, string>> = {
  '-720': 'Etc/GMT+12',
  '-660': 'Etc/GMT+11 Pacific/Midway,Niue,Pago_Pago,Samoa US/Samoa',
  '-600': 'HST Etc/GMT+10 Pacific/Honolulu,Johnston,Rarotonga,Tahiti US/Hawaii',
  '-600U': 'America/Adak,Atka US/Aleutian',
  '-570': 'Pacific/Marquesas',
  '-540': 'Etc/GMT+9 Pacific/Gambier',
  '-540U': 'America/Anchorage,Juneau,Metlakatla,Nome,Sitka,Yakutat US/Alaska',
  '-480': 'Etc/GMT+8 Pacific/Pitcairn',
  '-480U': 'PST8PDT America/Ensenada,Los_Angeles,Santa_Isabel,Tijuana,Vancouver Canada/Pacific Mexico/BajaNorte US/Pacific',
  '-420':
    'MST America/Creston,Dawson,Dawson_Creek,Fort_Nelson,Hermosillo,Mazatlan,Phoenix,Whitehorse Canada/Yukon Etc/GMT+7 ' +
    'Mexico/BajaSur US/Arizona',
  '-420U':
    'MST7MDT,Navajo America/Boise,Cambridge_Bay,Ciudad_Juarez,Denver,Edmonton,Inuvik,Shiprock,Yellowknife Canada/Mountain ' +
    'US/Mountain',
  '-360':
    'America/Bahia_Banderas,Belize,Chihuahua,Costa_Rica,El_Salvador,Guatemala,Managua,Merida,Mexico_City,Monterrey,Regina ' +
    'America/Swift_Current,Tegucigalpa Canada/Saskatchewan Etc/GMT+6 Mexico/General Pacific/Galapagos',
  '-360S': 'Chile/EasterIsland Pacific/Easter',
  '-360U':
    'CST6CDT ' +
    'America/Chicago,Indiana/Knox,Indiana/Tell_City,Knox_IN,Matamoros,Menominee,North_Dakota/Beulah,North_Dakota/Center ' +
    'America/North_Dakota/New_Salem,Ojinaga,Rainy_River,Rankin_Inlet,Resolute,Winnipeg Canada/Central ' +
    'US/Central,Indiana-Starke',
  '-300':
    'EST,Jamaica ' +
    'America/Atikokan,Bogota,Cancun,Cayman,Coral_Harbour,Eirunepe,Guayaquil,Jamaica,Lima,Panama,Porto_Acre,Rio_Branco ' +
    'Brazil/Acre Etc/GMT+5',
  '-300C': 'Cuba America/Havana',
  '-300U':
    'EST5EDT ' +
    'America/Detroit,Fort_Wayne,Grand_Turk,Indiana/Indianapolis,Indiana/Marengo,Indiana/Petersburg,Indiana/Vevay ' +
    'America/Indiana/Vincennes,Indiana/Winamac,Indianapolis,Iqaluit,Kentucky/Louisville,Kentucky/Monticello,Louisville ' +
    'America/Montreal,Nassau,New_York,Nipigon,Pangnirtung,Port-au-Prince,Thunder_Bay,Toronto Canada/Eastern ' +
    'US/East-Indiana,Eastern,Michigan',
  '-240':
    'America/Anguilla,Antigua,Aruba,Barbados,Blanc-Sablon,Boa_Vista,Campo_Grande,Caracas,Cuiaba,Curacao,Dominica,Grenada ' +
    'America/Guadeloupe,Guyana,Kralendijk,La_Paz,Lower_Princes,Manaus,Marigot,Martinique,Montserrat,Port_of_Spain ' +
    'America/Porto_Velho,Puerto_Rico,Santo_Domingo,St_Barthelemy,St_Kitts,St_Lucia,St_Thomas,St_Vincent,Tortola,Virgin ' +
    'Brazil/West Etc/GMT+4',
  '-240S': 'America/Santiago Chile/Continental',
  '-240U': 'America/Glace_Bay,Goose_Bay,Halifax,Moncton,Thule Atlantic/Bermuda Canada/Atlantic',
  '-210U': 'America/St_Johns Canada/Newfoundland',
  '-180':
    'America/Araguaina,Argentina/Buenos_Aires,Argentina/Catamarca,Argentina/ComodRivadavia,Argentina/Cordoba ' +
    'America/Argentina/Jujuy,Argentina/La_Rioja,Argentina/Mendoza,Argentina/Rio_Gallegos,Argentina/Salta ' +
    'America/Argentina/San_Juan,Argentina/San_Luis,Argentina/Tucuman,Argentina/Ushuaia,Asuncion,Bahia,Belem,Buenos_Aires ' +
    'America/Catamarca,Cayenne,Cordoba,Coyhaique,Fortaleza,Jujuy,Maceio,Mendoza,Montevideo,Paramaribo,Punta_Arenas,Recife ' +
    'America/Rosario,Santarem,Sao_Paulo Antarctica/Palmer,Rothera Atlantic/Stanley Brazil/East Etc/GMT+3',
  '-180U': 'America/Miquelon',
  '-120': 'America/Noronha Atlantic/South_Georgia Brazil/DeNoronha Etc/GMT+2',
  '-120E': 'America/Godthab,Nuuk,Scoresbysund',
  '-60': 'Atlantic/Cape_Verde Etc/GMT+1',
  '-60E': 'Atlantic/Azores',
  '0':
    'GMT,GMT+0,GMT-0,GMT0,Greenwich,Iceland,UCT,UTC,Universal,Zulu ' +
    'Africa/Abidjan,Accra,Bamako,Banjul,Bissau,Conakry,Dakar,Freetown,Lome,Monrovia,Nouakchott,Ouagadougou,Sao_Tome ' +
    'Africa/Timbuktu America/Danmarkshavn Atlantic/Reykjavik,St_Helena ' +
    'Etc/GMT,GMT+0,GMT-0,GMT0,Greenwich,UCT,UTC,Universal,Zulu',
  '0E':
    'Eire,GB,GB-Eire,Portugal,WET Atlantic/Canary,Faeroe,Faroe,Madeira ' +
    'Europe/Belfast,Dublin,Guernsey,Isle_of_Man,Jersey,Lisbon,London',
  '0T': 'Antarctica/Troll',
  '60':
    'Africa/Algiers,Bangui,Brazzaville,Casablanca,Douala,El_Aaiun,Kinshasa,Lagos,Libreville,Luanda,Malabo,Ndjamena,Niamey ' +
    'Africa/Porto-Novo,Tunis Etc/GMT-1',
  '60E':
    'CET,MET,Poland Africa/Ceuta Arctic/Longyearbyen Atlantic/Jan_Mayen ' +
    'Europe/Amsterdam,Andorra,Belgrade,Berlin,Bratislava,Brussels,Budapest,Busingen,Copenhagen,Gibraltar,Ljubljana ' +
    'Europe/Luxembourg,Madrid,Malta,Monaco,Oslo,Paris,Podgorica,Prague,Rome,San_Marino,Sarajevo,Skopje,Stockholm,Tirane ' +
    'Europe/Vaduz,Vatican,Vienna,Warsaw,Zagreb,Zurich',
  '120':
    'Libya ' +
    'Africa/Blantyre,Bujumbura,Gaborone,Harare,Johannesburg,Juba,Khartoum,Kigali,Lubumbashi,Lusaka,Maputo,Maseru,Mbabane ' +
    'Africa/Tripoli,Windhoek Etc/GMT-2 Europe/Chisinau,Kaliningrad,Tiraspol',
  '120E':
    'EET Asia/Famagusta,Nicosia ' +
    'Europe/Athens,Chisinau,Tiraspol,Bucharest,Helsinki,Kiev,Kyiv,Mariehamn,Nicosia,Riga,Sofia,Tallinn,Uzhgorod,Vilnius,Zaporozhye',
  '120G': 'Egypt Africa/Cairo',
  '120I': 'Israel Asia/Jerusalem,Tel_Aviv',
  '120L': 'Asia/Beirut',
  '120P': 'Asia/Gaza,Hebron',
  '180':
    'Turkey,W-SU Africa/Addis_Ababa,Asmara,Asmera,Dar_es_Salaam,Djibouti,Kampala,Mogadishu,Nairobi Antarctica/Syowa ' +
    'Asia/Aden,Amman,Baghdad,Bahrain,Damascus,Istanbul,Kuwait,Qatar,Riyadh Etc/GMT-3 ' +
    'Europe/Istanbul,Kirov,Minsk,Moscow,Simferopol,Volgograd Indian/Antananarivo,Comoro,Mayotte',
  '210': 'Iran Asia/Tehran',
  '240': 'Asia/Baku,Dubai,Muscat,Tbilisi,Yerevan Etc/GMT-4 Europe/Astrakhan,Samara,Saratov,Ulyanovsk Indian/Mahe,Mauritius,Reunion',
  '270': 'Asia/Kabul',
  '300':
    'Antarctica/Mawson,Vostok ' +
    'Asia/Almaty,Aqtau,Aqtobe,Ashgabat,Ashkhabad,Atyrau,Dushanbe,Karachi,Oral,Qostanay,Qyzylorda,Samarkand,Tashkent ' +
    'Asia/Yekaterinburg Etc/GMT-5 Indian/Kerguelen,Maldives',
  '330': 'Asia/Calcutta,Colombo,Kolkata',
  '345': 'Asia/Kathmandu,Katmandu',
  '360': 'Asia/Bishkek,Dacca,Dhaka,Kashgar,Omsk,Thimbu,Thimphu,Urumqi Etc/GMT-6 Indian/Chagos',
  '390': 'Asia/Rangoon,Yangon Indian/Cocos',
  '420':
    'Antarctica/Davis ' +
    'Asia/Bangkok,Barnaul,Ho_Chi_Minh,Hovd,Jakarta,Krasnoyarsk,Novokuznetsk,Novosibirsk,Phnom_Penh,Pontianak,Saigon,Tomsk ' +
    'Asia/Vientiane Etc/GMT-7 Indian/Christmas',
  '480':
    'Hongkong,PRC,ROC,Singapore Antarctica/Casey ' +
    'Asia/Brunei,Choibalsan,Chongqing,Chungking,Harbin,Hong_Kong,Irkutsk,Kuala_Lumpur,Kuching,Macao,Macau,Makassar,Manila ' +
    'Asia/Shanghai,Singapore,Taipei,Ujung_Pandang,Ulaanbaatar,Ulan_Bator Australia/Perth,West Etc/GMT-8',
  '525': 'Australia/Eucla',
  '540': 'Japan,ROK Asia/Chita,Dili,Jayapura,Khandyga,Pyongyang,Seoul,Tokyo,Yakutsk Etc/GMT-9 Pacific/Palau',
  '570': 'Australia/Darwin,North',
  '570A': 'Australia/Adelaide,Broken_Hill,South,Yancowinna',
  '600':
    'Antarctica/DumontDUrville Asia/Ust-Nera,Vladivostok Australia/Brisbane,Lindeman,Queensland Etc/GMT-10 ' +
    'Pacific/Chuuk,Guam,Port_Moresby,Saipan,Truk,Yap',
  '600A': 'Antarctica/Macquarie Australia/ACT,Canberra,Currie,Hobart,Melbourne,NSW,Sydney,Tasmania,Victoria',
  '630H': 'Australia/LHI,Lord_Howe',
  '660': 'Asia/Magadan,Sakhalin,Srednekolymsk Etc/GMT-11 Pacific/Bougainville,Efate,Guadalcanal,Kosrae,Noumea,Pohnpei,Ponape',
  '660A': 'Pacific/Norfolk',
  '720': 'Kwajalein Asia/Anadyr,Kamchatka Etc/GMT-12 Pacific/Fiji,Funafuti,Kwajalein,Majuro,Nauru,Tarawa,Wake,Wallis',
  '720N': 'NZ Antarctica/McMurdo,South_Pole Pacific/Auckland',
  '765Z': 'NZ-CHAT Pacific/Chatham',
  '780': 'Etc/GMT-13 Pacific/Apia,Enderbury,Fakaofo,Kanton,Tongatapu',
  '840': 'Etc/GMT-14 Pacific/Kiritimati',
};
